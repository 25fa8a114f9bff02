// Our own keys, and the n-gram keys that are free to be absent beside them.
#include <gtest/gtest.h>

#include <map>

#include "config/footprint.h"
#include "config/sample.h"

namespace nestor::config {
namespace {

constexpr ErrorKind kBad = ErrorKind::bad_input;
constexpr ErrorKind kUnsupported = ErrorKind::unsupported;

// H 48, F 64, V 64.
Json own(const Json& per_layer = nullptr) {
  Json json = with("model_type", "nestor", with("architectures", Json::array({"NestorForCausalLM"})));
  json["ffn_hidden_size"] = 64;
  if (!per_layer.is_null()) json["per_layer_embedding"] = per_layer;
  return json;
}

Json without_ngram(Json json) {
  for (const char* key : {"emb_neighbor_num", "emb_split_num", "ngram_vocab_size_ratio"}) json.erase(key);
  return json;
}

const Json kPle = {{"kind", "ple"}, {"mlp", 0}};
const Json kPlne = {{"kind", "plne"},
                    {"mlp", 1},
                    {"emb_neighbor_num", 3},
                    {"emb_split_num", 2},
                    {"ngram_vocab_size_ratio", 7.5}};

// Names and shapes of all tensors, in the order of the walk.
std::map<std::string, std::vector<std::int64_t>> shapes_of(const Json& json, const NameLayout& layout = {}) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for_each_tensor(parse(json), layout, [&](const TensorInfo& t) {
    EXPECT_TRUE(shapes.emplace(t.name, std::vector(t.shape.begin(), t.shape.begin() + t.rank)).second);
  });
  return shapes;
}

TEST(ParseEmbedding, TheKeysAreReadAsTheyStand) {
  const ModelConfig plain = parse(own());
  EXPECT_EQ(plain.architecture, "NestorForCausalLM");
  EXPECT_TRUE(plain.ngram);
  EXPECT_EQ(plain.embedding_norm, EmbeddingNorm::none);
  EXPECT_FALSE(plain.per_layer);
  EXPECT_EQ(parse(with("embedding_amplification", "layer_norm", own())).embedding_norm,
            EmbeddingNorm::layer_norm);

  const auto ple = parse(own(kPle)).per_layer;
  ASSERT_TRUE(ple);
  EXPECT_EQ(ple->kind, PerLayerEmbedding::Kind::word);
  EXPECT_EQ(ple->mlp, 0);
  EXPECT_FALSE(ple->ngram);
  EXPECT_EQ(parse(own(without("mlp", kPle))).per_layer->mlp, 1);

  const auto plne = parse(own(kPlne)).per_layer;
  ASSERT_TRUE(plne);
  EXPECT_EQ(plne->kind, PerLayerEmbedding::Kind::ngram);
  EXPECT_EQ(plne->mlp, 1);
  ASSERT_TRUE(plne->ngram);
  EXPECT_EQ(plne->ngram->tables(), 4);
  EXPECT_EQ(plne->ngram->rows(3), 487);  // int(7.5 * 64 + 2 * 3 + 1)
}

TEST(ParseEmbedding, NgramKeysAreAllThereOrNone) {
  EXPECT_FALSE(parse(without_ngram(own())).ngram);
  EXPECT_FALSE(parse(without_ngram(own(kPlne))).ngram);
  EXPECT_REFUSED(parse(without("emb_split_num", own())), kBad, "missing key: emb_split_num");
  EXPECT_REFUSED(parse(without("emb_neighbor_num", own())), kBad, "missing key: emb_neighbor_num");
  EXPECT_REFUSED(parse(without_ngram(sample())), kBad, "missing keys: emb_neighbor_num, emb_split_num");
}

TEST(ParseEmbedding, OtherArchitecturesRefuseTheKeysAndSayWhichHasThem) {
  for (const Json& json : {sample(), plain_sample()}) {
    EXPECT_REFUSED(parse(with("embedding_amplification", "layer_norm", json)), kUnsupported,
                   "NestorForCausalLM");
    EXPECT_REFUSED(parse(with("per_layer_embedding", kPle, json)), kUnsupported, "NestorForCausalLM");
    EXPECT_NO_THROW(parse(with("per_layer_embedding", nullptr, json)));
  }
  EXPECT_REFUSED(parse(with("model_type", "longcat_flash_ngram", own())), kUnsupported, "NestorForCausalLM");
  EXPECT_NO_THROW(parse(without("model_type", own())));
}

TEST(ParseEmbedding, WhatIsNotKnownIsRefusedWithWhatIsExpected) {
  for (const Json& value : {Json("sqrt_d"), Json("rms_norm"), Json(true), Json(1), Json::object()}) {
    EXPECT_REFUSED(parse(with("embedding_amplification", value, own())), kUnsupported,
                   "expected \"layer_norm\"");
  }
  EXPECT_REFUSED(parse(own("ple")), kBad, "per_layer_embedding must be an object");
  EXPECT_REFUSED(parse(own(Json::object())), kBad, "per_layer_embedding: missing key: kind");
  EXPECT_REFUSED(parse(own({{"kind", "plx"}})), kUnsupported, "expected \"ple\" or \"plne\"");
  EXPECT_REFUSED(parse(own({{"kind", 1}})), kBad, "kind must be a string");
  EXPECT_REFUSED(parse(own(with("size", 1, kPle))), kUnsupported,
                 "config.json: per_layer_embedding: unknown key \"size\"");
  EXPECT_REFUSED(parse(own(with("emb_split_num", 2, kPle))), kUnsupported, "emb_split_num");
  for (const char* key : {"emb_neighbor_num", "emb_split_num", "ngram_vocab_size_ratio"}) {
    EXPECT_REFUSED(parse(own(without(key, kPlne))), kBad,
                   std::string("per_layer_embedding: missing key: ") + key);
    EXPECT_REFUSED(parse(own(with(key, -1, kPlne))), kBad, std::string(key) + " must be between");
  }
  for (const Json& value : {Json(2), Json(-1)}) {
    EXPECT_REFUSED(parse(own(with("mlp", value, kPle))), kBad, "mlp must be between 0 and 1");
  }
}

TEST(ParseEmbedding, SizesMustFitEachOther) {
  EXPECT_REFUSED(parse(with("ffn_hidden_size", 66, own(kPlne))), kBad,
                 "ffn_hidden_size 66 is not a multiple of the 4 tables");
  EXPECT_NO_THROW(parse(with("ffn_hidden_size", 66, own(kPle))));
  EXPECT_REFUSED(parse(own(with("ngram_vocab_size_ratio", 1e8, kPlne))), kBad, "tables of more than");
  const Json wide = with("ffn_hidden_size", 1 << 20, with("vocab_size", 1 << 23, own(kPle)));
  EXPECT_REFUSED(parse(wide), kBad, "the word table of a layer");
  const Json many = with("num_layers", 1024, with("ffn_hidden_size", 768, own(kPlne)));
  EXPECT_REFUSED(parse(with("per_layer_embedding", with("emb_split_num", 128, kPlne), many)), kBad,
                 "more tensors");
}

TEST(ParseEmbedding, AWordTableTakesThePlaceOfOneUpProjection) {
  const auto plain = shapes_of(own());
  auto found = shapes_of(own(kPle));
  EXPECT_EQ(found.size(), plain.size());
  for (const char* n : {"0", "1"}) {
    const std::string mlps = std::string("model.layers.") + n + ".mlps.";
    EXPECT_EQ(found.at(mlps + "0.embed_tokens.weight"), (std::vector<std::int64_t>{64, 64}));
    EXPECT_EQ(found.count(mlps + "0.up_proj.weight"), 0U);
    EXPECT_EQ(found.count(mlps + "1.up_proj.weight"), 1U);
    EXPECT_EQ(found.count(mlps + "0.gate_proj.weight"), 1U);
    EXPECT_EQ(found.count(mlps + "0.down_proj.weight"), 1U);
  }
}

TEST(ParseEmbedding, AnNgramEmbeddingOfALayerIsAsWideAsItsMlp) {
  const auto found = shapes_of(own(kPlne));
  const std::string e = "model.layers.1.mlps.1.ngram_embeddings.";
  EXPECT_EQ(found.at(e + "word_embeddings.weight"), (std::vector<std::int64_t>{64, 64}));
  EXPECT_EQ(found.at(e + "embedders.0.weight"), (std::vector<std::int64_t>{481, 16}));
  EXPECT_EQ(found.at(e + "embedders.3.weight"), (std::vector<std::int64_t>{487, 16}));
  EXPECT_EQ(found.at(e + "post_projs.3.weight"), (std::vector<std::int64_t>{64, 16}));
  EXPECT_EQ(found.count(e + "embedders.4.weight"), 0U);
  EXPECT_EQ(found.count("model.layers.1.mlps.1.up_proj.weight"), 0U);
  EXPECT_EQ(found.size(), shapes_of(own()).size() + 2 * 2 * 4);
}

TEST(ParseEmbedding, TheDraftBlockStaysAsItIs) {
  const NameLayout draft = {.draft = NameLayout::Draft::present};
  const auto plain = shapes_of(own(), draft);
  const auto found = shapes_of(with("embedding_amplification", "layer_norm", own(kPlne)), draft);
  std::size_t tensors = 0;
  for (const auto& [name, shape] : found) {
    if (!name.starts_with(kDraftPrefix)) continue;
    EXPECT_EQ(plain.at(name), shape) << name;
    ++tensors;
  }
  EXPECT_EQ(tensors, 17U);
}

TEST(ParseEmbedding, TheNormOfTheEmbeddingHasWeightAndBias) {
  for (const Json& json : {own(), without_ngram(own())}) {
    const auto found = shapes_of(with("embedding_amplification", "layer_norm", json));
    EXPECT_EQ(found.at("model.embedding_norm.weight"), std::vector<std::int64_t>{48});
    EXPECT_EQ(found.at("model.embedding_norm.bias"), std::vector<std::int64_t>{48});
    EXPECT_EQ(found.size(), shapes_of(json).size() + 2);
  }
}

// Counted by hand: 2 layers, H 48, F 64, V 64.
TEST(ParseEmbedding, TheFootprintTellsTheTablesOfLayersApart) {
  const Footprint plain = footprint_of(parse(own()));
  const Footprint ple = footprint_of(parse(own(kPle)));
  const Footprint plne = footprint_of(parse(own(kPlne)));
  const std::int64_t up = 2 * 48 * 64;
  const std::int64_t words = 2 * 64 * 64;
  const std::int64_t rows = 2 * (481 + 483 + 485 + 487) * 16;
  const std::int64_t projections = 2 * 4 * 64 * 16;
  EXPECT_EQ(plain.per_layer, 0);
  EXPECT_EQ(ple.of(Part::layer_table), words);
  EXPECT_EQ(ple.per_layer, words);
  EXPECT_EQ(ple.total, plain.total - up + words);
  EXPECT_EQ(plne.of(Part::layer_table), words + rows);
  EXPECT_EQ(plne.of(Part::layer_projection), projections);
  EXPECT_EQ(plne.total, plain.total - up + words + rows + projections);
  EXPECT_EQ(plne.ngram, plain.ngram);
  EXPECT_EQ(ple.activated_min, plain.activated_min - up);
  EXPECT_EQ(plne.activated_max, plain.activated_max - up);
}

}  // namespace
}  // namespace nestor::config
