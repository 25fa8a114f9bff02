// Every key of config.json: absent, of a wrong type, out of range, contradictory.
#include "config/parse_config.h"

#include <gtest/gtest.h>

#include <limits>

#include "config/sample.h"
#include "support/scratch_folder.h"

namespace nestor::config {
namespace {

constexpr ErrorKind kBad = ErrorKind::bad_input;
constexpr ErrorKind kUnsupported = ErrorKind::unsupported;

const std::vector<std::string> kRequiredWhole = {"vocab_size",       "hidden_size",
                                                 "num_layers",       "num_attention_heads",
                                                 "q_lora_rank",      "kv_lora_rank",
                                                 "qk_nope_head_dim", "qk_rope_head_dim",
                                                 "v_head_dim",       "ffn_hidden_size",
                                                 "n_routed_experts", "moe_topk",
                                                 "emb_split_num",    "max_position_embeddings",
                                                 "emb_neighbor_num", "expert_ffn_hidden_size"};
const std::vector<std::string> kRequiredReal = {"rms_norm_eps", "rope_theta", "routed_scaling_factor",
                                                "ngram_vocab_size_ratio"};
const std::vector<std::string> kOptionalWhole = {"zero_expert_num",     "num_hidden_layers",
                                                 "num_key_value_heads", "head_dim",
                                                 "qk_head_dim",         "num_nextn_predict_layers"};
const std::vector<std::string> kOptionalBoolean = {"mla_scale_q_lora", "mla_scale_kv_lora"};

TEST(ParseConfig, TheSampleIsReadAsItStands) {
  const ModelConfig c = parse(sample());
  EXPECT_EQ(c.architecture, "LongcatFlashNgramForCausalLM");
  EXPECT_EQ(c.hidden_size, 48);
  EXPECT_EQ(c.v_head_dim, 12);
  EXPECT_EQ(c.moe_topk, 3);
  EXPECT_EQ(c.routes(), 12);
  EXPECT_EQ(c.attentions(), 4);
  EXPECT_EQ(c.qk_head_dim(), 32);
  EXPECT_EQ(c.latent_norm_eps, 1e-6);
  EXPECT_EQ(c.eos_token_ids, std::vector<TokenId>{2});
  ASSERT_TRUE(c.ngram);
  EXPECT_EQ(c.ngram->tables(), 12);
  ASSERT_TRUE(c.yarn);
  EXPECT_EQ(c.yarn->factor, 10);
}

TEST(ParseConfig, EveryRequiredKeyIsMissedByName) {
  for (const auto& keys : {kRequiredWhole, kRequiredReal, {"eos_token_id"}}) {
    for (const std::string& key : keys) {
      EXPECT_REFUSED(parse(without(key)), kBad, "missing key: " + key);
      EXPECT_REFUSED(parse(with(key, nullptr)), kBad, "missing key: " + key);
    }
  }
  EXPECT_REFUSED(parse(without("hidden_size", without("vocab_size"))), kBad,
                 "missing keys: vocab_size, hidden_size");
}

TEST(ParseConfig, EveryNumberRefusesOtherTypes) {
  for (const auto& keys : {kRequiredWhole, kRequiredReal, kOptionalWhole}) {
    for (const std::string& key : keys) {
      for (const Json& value : {Json("4"), Json(true), Json::array({4}), Json::object()}) {
        EXPECT_REFUSED(parse(with(key, value)), kBad, "config.json: " + key + " must be a");
      }
    }
  }
  for (const std::string& key : kOptionalBoolean) {
    for (const Json& value : {Json("true"), Json(1), Json::array()}) {
      EXPECT_REFUSED(parse(with(key, value)), kBad, key + " must be true or false");
    }
  }
}

TEST(ParseConfig, WholeNumbersMayBeSpelledAsFloatsButNotBroken) {
  for (const auto& keys : {kRequiredWhole, kOptionalWhole}) {
    for (const std::string& key : keys) {
      EXPECT_REFUSED(parse(with(key, 4.5)), kBad, key + " must be a whole number");
    }
  }
  for (const std::string& key : kRequiredWhole) {
    const double value = sample()[key].get<double>();
    EXPECT_NO_THROW(parse(with(key, value))) << key;
  }
  EXPECT_EQ(parse(with("num_layers", 2.0)).num_layers, 2);
}

TEST(ParseConfig, NegativeZeroAndAbsurdNumbersAreRefused) {
  for (const std::string& key : kRequiredWhole) {
    for (const Json& value : {Json(-1), Json(0), Json(std::int64_t{1} << 40), Json(1e18), Json(1e300),
                              Json(-1e300), Json(UINT64_MAX), Json(INT64_MIN)}) {
      EXPECT_REFUSED(parse(with(key, value)), kBad, key + " must be between");
    }
  }
  for (const std::string& key : kRequiredReal) {
    for (const Json& value : {Json(-1e9), Json(1e300), Json(std::numeric_limits<double>::infinity()),
                              Json(std::numeric_limits<double>::quiet_NaN())}) {
      EXPECT_REFUSED(parse(with(key, value)), kBad, key + " must be between");
    }
  }
  EXPECT_REFUSED(parse(with("latent_norm_eps", -1e-5)), kBad, "latent_norm_eps");
  EXPECT_REFUSED(parse(with("rope_theta", 1)), kBad, "rope_theta");
  EXPECT_REFUSED(parse(with("zero_expert_num", -1)), kBad, "zero_expert_num");
  EXPECT_REFUSED(parse(with("num_nextn_predict_layers", 2)), kBad, "num_nextn_predict_layers");
}

TEST(ParseConfig, NumbersThatJsonDoesNotHaveNameTheFile) {
  const testing::ScratchFolder folder;
  for (const char* number : {"NaN", "Infinity", "1e400", "-1e400", "0x10", "1.", "01"}) {
    SCOPED_TRACE(number);
    std::string text = to_text(sample());
    const std::string field = "\"hidden_size\":48";
    ASSERT_NE(text.find(field), std::string::npos);
    text.replace(text.find(field), field.size(), "\"hidden_size\":" + std::string(number));
    const auto path = folder.write("config.json", text);
    EXPECT_REFUSED(read_config(path), kBad, path.string());
  }
}

TEST(ParseConfig, AConfigurationIsAnObject) {
  for (const Json& json : {Json(), Json::array(), Json("x"), Json(3)}) {
    EXPECT_REFUSED(parse(json), kBad, "expected an object");
  }
  const testing::ScratchFolder folder;
  EXPECT_REFUSED(read_config(folder.path() / "config.json"), ErrorKind::not_found, "config.json");
}

TEST(ParseConfig, RepeatedFactsMustAgree) {
  const std::vector<std::pair<std::string, std::int64_t>> facts = {
      {"num_hidden_layers", 4}, {"num_key_value_heads", 4}, {"head_dim", 16}, {"qk_head_dim", 32}};
  for (const auto& [key, value] : facts) {
    EXPECT_NO_THROW(parse(with(key, value)));
    EXPECT_NO_THROW(parse(with(key, nullptr)));
    for (const std::int64_t wrong : {value - 1, value + 1, value * 2, std::int64_t{0}}) {
      EXPECT_REFUSED(parse(with(key, wrong)), kBad, fmt::format("{} is {}, expected {}", key, wrong, value));
    }
  }
}

TEST(ParseConfig, SizesMustFitEachOther) {
  EXPECT_REFUSED(parse(with("hidden_size", 50)), kBad, "not a multiple of the 12 tables");
  EXPECT_REFUSED(parse(with("qk_rope_head_dim", 15)), kBad, "is odd");
  EXPECT_REFUSED(parse(with("moe_topk", 13)), kBad, "moe_topk 13 is more than");
  EXPECT_NO_THROW(parse(with("moe_topk", 12)));
  EXPECT_REFUSED(parse(with("eos_token_id", 64)), kBad, "outside the vocabulary of 64");
  EXPECT_NO_THROW(parse(with("eos_token_id", 63)));
  EXPECT_REFUSED(parse(with("ngram_vocab_size_ratio", 1e8)), kBad, "ngram_vocab_size_ratio");
}

TEST(ParseConfig, SeparatorsAreOneIdOrAList) {
  EXPECT_EQ(parse(with("eos_token_id", {2, 5})).eos_token_ids, (std::vector<TokenId>{2, 5}));
  EXPECT_EQ(parse(with("eos_token_id", 0)).eos_token_ids, std::vector<TokenId>{0});
  EXPECT_EQ(parse(with("eos_token_id", Json::array({7}))).eos_token_ids, std::vector<TokenId>{7});
  EXPECT_REFUSED(parse(with("eos_token_id", Json::array())), kBad, "empty list");
  EXPECT_REFUSED(parse(with("eos_token_id", {2, "5"})), kBad, "whole number");
  EXPECT_REFUSED(parse(with("eos_token_id", {2, -1})), kBad, "must be between");
  EXPECT_REFUSED(parse(with("eos_token_id", {2, 64})), kBad, "outside the vocabulary");
  EXPECT_REFUSED(parse(with("eos_token_id", "2")), kBad, "whole number");
}

TEST(ParseConfig, TheFamilyIsChosenByEitherKey) {
  EXPECT_TRUE(parse(without("model_type")).ngram);
  EXPECT_TRUE(parse(without("architectures")).ngram);
  EXPECT_TRUE(parse(with("model_type", nullptr)).ngram);
  EXPECT_FALSE(parse(plain_sample()).ngram);
  EXPECT_EQ(parse(without("architectures")).architecture, "LongcatFlashNgramForCausalLM");
  EXPECT_REFUSED(parse(without("architectures", without("model_type"))), kBad, "neither architectures");
  EXPECT_REFUSED(parse(with("model_type", "longcat_flash")), kUnsupported, "\"longcat_flash\"");
  EXPECT_REFUSED(parse(with("model_type", "llama")), kUnsupported, "\"llama\"");
  for (const char* name : {"LongcatCausalLM", "LongcatNextForCausalLM", "Qwen4ForCausalLM", "longcatflash"}) {
    EXPECT_REFUSED(parse(with("architectures", Json::array({name}))), kUnsupported, name);
  }
  EXPECT_REFUSED(parse(with("architectures", {"LongcatFlashNgramForCausalLM", "X"})), kBad, "list of one");
  EXPECT_REFUSED(parse(with("architectures", "LongcatFlashNgramForCausalLM")), kBad, "must be a list");
  EXPECT_REFUSED(parse(with("emb_split_num", 4, plain_sample())), kUnsupported, "emb_split_num");
}

TEST(ParseConfig, UnknownKeysAreRefusedUntilAccepted) {
  const Json json = with("router_type", "new", with("ngram_norm", true));
  EXPECT_REFUSED(parse(json), kUnsupported, "unknown keys \"ngram_norm\", \"router_type\"");
  EXPECT_REFUSED(parse(json, {"router_type"}), kUnsupported, "unknown key \"ngram_norm\":");
  EXPECT_NO_THROW(parse(json, {"router_type", "ngram_norm"}));
  EXPECT_REFUSED(parse(with("hidden_act", "gelu"), {"hidden_act"}), kUnsupported, "hidden_act");
}

TEST(ParseConfig, MessagesStayShort) {
  const std::string long_text(1 << 20, 'x');
  Json many = sample();
  for (int i = 0; i < 1000; ++i) many["key_" + std::to_string(i)] = i;
  for (const Json& json :
       {many, with(long_text, 1), with("hidden_act", long_text), with("vocab_size", long_text),
        with("architectures", Json::array({long_text})), with("rope_scaling", {{"rope_type", long_text}})}) {
    const auto refusal = testing::refusal_of([&] { parse(json); });
    ASSERT_TRUE(refusal);
    EXPECT_LT(refusal->message.size(), 600U);
  }
  EXPECT_REFUSED(parse(many), kUnsupported, "\"key_9\" and 990 more");
}

TEST(ParseConfig, ValuesThatWouldChangeTheModelAreRefusedByName) {
  const std::vector<std::pair<std::string, Json>> refused = {{"norm_topk_prob", true},
                                                             {"router_bias", true},
                                                             {"attention_bias", true},
                                                             {"tie_word_embeddings", true},
                                                             {"hidden_act", "gelu"},
                                                             {"zero_expert_type", "copy"},
                                                             {"zero_expert_type", "drop"},
                                                             {"nextn_use_scmoe", true},
                                                             {"router_dtype", "bfloat16"},
                                                             {"rounter_params_dtype", "bfloat16"},
                                                             {"disable_quant_module", {"x"}},
                                                             {"attention_method", "LSA"},
                                                             {"attention_method", 1},
                                                             {"scoring_func", "sigmoid"},
                                                             {"n_group", 8},
                                                             {"n_shared_experts", 1},
                                                             {"rope_interleave", false},
                                                             {"is_encoder_decoder", true},
                                                             {"oe_neighbor_num", 4},
                                                             {"oe_split_num", 4},
                                                             {"oe_vocab_size_ratio", 78},
                                                             {"oe_ignored_token_ids", {131072}}};
  for (const auto& [key, value] : refused) {
    EXPECT_REFUSED(parse(with(key, value)), kUnsupported, key + " = ");
    EXPECT_NO_THROW(parse(with(key, nullptr))) << key;
  }
  EXPECT_NO_THROW(parse(with("zero_expert_type", "copy", with("zero_expert_num", 0))));
  EXPECT_EQ(parse(without("zero_expert_num")).zero_expert_num, 0);
}

TEST(ParseConfig, KeysWithoutMeaningHereAreAccepted) {
  for (const char* key :
       {"transformers_version", "_name_or_path", "use_cache", "auto_map", "initializer_range",
        "attention_dropout", "pad_token_id", "output_router_logits", "router_aux_loss_coef",
        "_attn_implementation", "return_dict", "id2label", "tokenizer_class", "gradient_checkpointing"}) {
    for (const Json& value : {Json("x"), Json(1), Json::array(), Json()}) {
      EXPECT_NO_THROW(parse(with(key, value))) << key;
    }
  }
  EXPECT_EQ(parse(with("dtype", "float16", without("torch_dtype"))).torch_dtype, "float16");
}

TEST(ParseConfig, NullSaysNothing) {
  for (const char* key : {"sliding_window", "layer_types", "never_heard_of", "quantization_config",
                          "rope_scaling", "rope_parameters", "attention_method", "head_dim", "auto_map"}) {
    EXPECT_NO_THROW(parse(with(key, nullptr))) << key;
  }
  EXPECT_TRUE(parse(with("eos_token_id", nullptr, plain_sample())).eos_token_ids.empty());
  EXPECT_REFUSED(parse(without("eos_token_id", plain_sample())), kBad, "missing key: eos_token_id");
}

TEST(ParseConfig, OtherNamesOfAKeyMustAgreeWithIt) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"num_local_experts", "n_routed_experts"},
      {"num_experts", "n_routed_experts"},
      {"num_experts_per_tok", "moe_topk"},
      {"intermediate_size", "ffn_hidden_size"},
      {"moe_intermediate_size", "expert_ffn_hidden_size"}};
  for (const auto& [alias, key] : names) {
    const std::int64_t value = sample()[key].get<std::int64_t>();
    EXPECT_NO_THROW(parse(with(alias, value)));
    EXPECT_REFUSED(parse(with(alias, value + 1)), kBad,
                   fmt::format("{} is {}, expected {}", alias, value + 1, value));
  }
}

TEST(ParseConfig, WhatTransformersSavedHasItsEpsilonOfTheLatentNorms) {
  const Json plain = without("latent_norm_eps", plain_sample());
  EXPECT_EQ(parse(plain).latent_norm_eps, 1e-5);
  EXPECT_EQ(parse(with("transformers_version", "5.24.0", plain)).latent_norm_eps, 1e-6);
  EXPECT_EQ(parse(with("transformers_version", "4.57.6", plain)).latent_norm_eps, 1e-5);
  EXPECT_EQ(
      parse(with("transformers_version", "5.0.0", with("latent_norm_eps", 1e-4, plain))).latent_norm_eps,
      1e-4);
  EXPECT_EQ(parse(with("transformers_version", "5.0.0", without("latent_norm_eps"))).latent_norm_eps, 1e-5);
}

TEST(ParseConfig, OnlyTheKnownEightBitLayoutIsAccepted) {
  const Json known = {{"quant_method", "fp8"},
                      {"fmt", "e4m3"},
                      {"activation_scheme", "dynamic"},
                      {"weight_block_size", {128, 128}},
                      {"ignored_layers", {"lm_head"}}};
  EXPECT_EQ(parse(with("quantization_config", known)).fp8->ignored_layers,
            std::vector<std::string>{"lm_head"});
  const std::vector<std::pair<std::string, Json>> refused = {{"fmt", "e5m2"},
                                                             {"activation_scheme", "static"},
                                                             {"weight_block_size", {64, 128}},
                                                             {"weight_block_size", 128},
                                                             {"bits", 4},
                                                             {"group_size", 128}};
  for (const auto& [key, value] : refused) {
    EXPECT_REFUSED(parse(with("quantization_config", with(key, value, known))), kUnsupported, key);
  }
  EXPECT_REFUSED(parse(with("quantization_config", "fp8")), kBad, "must be an object");
  EXPECT_REFUSED(parse(with("quantization_config", with("ignored_layers", {1}, known))), kBad,
                 "ignored_layers");
}

}  // namespace
}  // namespace nestor::config
