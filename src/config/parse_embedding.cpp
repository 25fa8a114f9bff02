#include "config/parse_embedding.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/excerpt.h"

namespace nestor::config {
namespace {

constexpr std::array kNgramKeys = {"emb_neighbor_num", "emb_split_num", "ngram_vocab_size_ratio"};

// Table sizes and hash moduli follow from these three and the vocabulary.
NgramSpec read_ngram(Fields& f, const ModelConfig& c) {
  constexpr std::int64_t kMostOrder = 64;
  constexpr std::int64_t kMostSplits = 4096;
  NgramSpec n;
  n.vocab_size = c.vocab_size;
  n.order = f.integer("emb_neighbor_num", 2, kMostOrder);
  n.splits = f.integer("emb_split_num", 1, kMostSplits);
  n.ratio = f.number("ngram_vocab_size_ratio", 0, 1e9);
  return n;
}

void refuse_ngram(Fields& f, const char* reason) {
  for (const char* key : kNgramKeys) f.require_value(key, nullptr, reason);
}

PerLayerEmbedding read_per_layer(const Json& object, const std::string& what, const AcceptedKeys& accepted,
                                 const ModelConfig& c) {
  Fields f(object, what);
  PerLayerEmbedding p;
  p.mlp = static_cast<int>(f.optional_integer("mlp", 0, 1).value_or(p.mlp));
  const auto kind = f.optional_string("kind");
  if (!kind) {
    f.note_missing("kind");
    f.check_missing();
  }
  if (*kind == "plne") {
    p.kind = PerLayerEmbedding::Kind::ngram;
    p.ngram = read_ngram(f, c);
  } else if (*kind == "ple") {
    refuse_ngram(f, "a \"ple\" has one table of words; n-gram tables are what \"plne\" has");
  } else {
    fail(ErrorKind::unsupported, "{}: kind {} is not supported; expected \"ple\" or \"plne\"", what,
         in_quotes(*kind));
  }
  f.check_missing();
  f.check_unknown(accepted);
  return p;
}

void read_own(Fields& f, const AcceptedKeys& accepted, ModelConfig& c) {
  f.require_value("embedding_amplification", "layer_norm",
                  "a factor is folded into the tables and needs no key");
  if (f.has("embedding_amplification")) c.embedding_norm = EmbeddingNorm::layer_norm;
  if (const Json* object = f.optional_object("per_layer_embedding"); object != nullptr) {
    c.per_layer = read_per_layer(*object, f.what() + ": per_layer_embedding", accepted, c);
  }
}

}  // namespace

void read_embedding(Fields& f, EmbeddingKeys keys, const AcceptedKeys& accepted, ModelConfig& c) {
  const bool any =
      std::any_of(kNgramKeys.begin(), kNgramKeys.end(), [&](const char* key) { return f.has(key); });
  if (keys.ngram == EmbeddingKeys::Ngram::refused) {
    refuse_ngram(f, "this architecture has no n-gram tables");
  } else if (any || keys.ngram == EmbeddingKeys::Ngram::required) {
    c.ngram = read_ngram(f, c);
  }
  if (keys.own == EmbeddingKeys::Own::accepted) {
    read_own(f, accepted, c);
    return;
  }
  for (const char* key : {"embedding_amplification", "per_layer_embedding"}) {
    f.require_value(key, nullptr,
                    "other readers of this architecture would compute something else; a model with this key "
                    "has \"architectures\": [\"NestorForCausalLM\"]");
  }
}

}  // namespace nestor::config
