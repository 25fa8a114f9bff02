// Where the residual stream starts: the word table alone or the N-gram Embedding, then the amplification that
// is not folded into the tables (LayerNorm).
#pragma once

#include <optional>

#include "config/model_config.h"
#include "train/modules/ngram_embedding.h"

namespace nestor::train {

struct EmbeddingNorm {
  torch::Tensor weight, bias;  // [H]
};

struct EmbeddingParameters {
  std::optional<NgramProjections> projections;  // none without n-gram tables
  std::optional<EmbeddingNorm> norm;            // none unless amplified by LayerNorm
};
EmbeddingParameters make_embedding(Initializer& make, const config::ModelConfig& config);

/// [m, H] from the rows of the model's input.
torch::Tensor embedding(const Step& step, const config::ModelConfig& config, const EmbeddingParameters& w,
                        const EmbeddingLookup& lookup);

}  // namespace nestor::train
