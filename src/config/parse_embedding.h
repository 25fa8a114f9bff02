// The keys of config.json that say what a token's embedding is: n-gram tables, and our own two, the
// amplification and the embeddings of single layers.
#pragma once

#include "config/json_fields.h"
#include "config/model_config.h"

namespace nestor::config {

/// What an architecture says about the keys of this file.
struct EmbeddingKeys {
  enum class Ngram { required, refused, optional } ngram;  // emb_neighbor_num and its like
  enum class Own { accepted, refused } own;                // embedding_amplification, per_layer_embedding
};

/// Fills ngram, embedding_norm and per_layer. The vocabulary must have been read.
void read_embedding(Fields& fields, EmbeddingKeys keys, const AcceptedKeys& accepted, ModelConfig& config);

}  // namespace nestor::config
