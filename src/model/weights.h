// From names in a checkpoint to the weights that layers declare: the only place that knows both.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "config/model_config.h"
#include "config/tensor_list.h"
#include "layers/draft_block.h"
#include "layers/shortcut_layer.h"
#include "ngram/embedding.h"

namespace nestor::model {

/// Views into the mapped files; vectors (norms, scales, selection biases) are widened copies. Const after
/// loading.
struct Weights {
  config::NameLayout layout;
  std::optional<ngram::NgramEmbedding> embedding;
  std::optional<kernels::LayerNormWeights> embedding_norm;  // [H]
  std::vector<layers::ShortcutWeights> layers;
  std::vector<ngram::NgramEmbedding> layer_embeddings;  // one for each layer, or none
  const float* final_norm = nullptr;                    // [H]
  kernels::MatrixView head{};                           // [V, H]

  std::optional<layers::DraftBlockWeights> draft;        // if wanted
  std::optional<ngram::NgramEmbedding> draft_embedding;  // the draft block's own, if wanted

  /// The names of matrices by where their numbers lie; those of fused experts as if they were separate.
  std::unordered_map<const void*, std::string> names;
  std::array<std::uint64_t, kernels::kFormats> matrix_bytes{};  // by format

  std::shared_ptr<const checkpoint::Checkpoint> files;  // keeps the views alive
  std::deque<std::vector<float>> vectors;               // owns what the pointers point to
};

/// What to load of the draft block.
enum class DraftParts { none, block, block_and_words };

/// Checks the checkpoint against the configuration and connects everything. Throws Error, e.g.
/// Error(unsupported) if there is no draft block although it is wanted.
Weights load_weights(const config::ModelConfig& config, std::shared_ptr<const checkpoint::Checkpoint> files,
                     DraftParts draft);

}  // namespace nestor::model
