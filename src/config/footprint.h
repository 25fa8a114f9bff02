// How many parameters a model has and how many one token activates.
#pragma once

#include <array>
#include <cstdint>

#include "config/tensor_list.h"

namespace nestor::config {

struct Footprint {
  std::array<std::int64_t, kParts> parameters{};  // by Part
  std::int64_t tensors = 0;
  std::int64_t largest_tensor = 0;  // elements

  /// Everything but the draft block, which is how the paper counts.
  std::int64_t total = 0;
  /// Tables and projections of the N-gram Embedding.
  std::int64_t ngram = 0;
  /// Tables and projections of the embeddings of single layers.
  std::int64_t per_layer = 0;

  /// Parameters that multiply something for one token: attention, dense MLPs, router classifiers, head, and
  /// the experts chosen; table look-ups, norms and the projections of n-gram tables are not counted. The
  /// least is when every choice that can be an identity expert is one, the most when every choice that can be
  /// an expert with weights is one.
  std::int64_t activated_min = 0;
  std::int64_t activated_max = 0;

  std::int64_t of(Part part) const { return parameters[static_cast<std::size_t>(part)]; }
};

Footprint footprint_of(const ModelConfig& config, const NameLayout& layout = {});

/// Values that the latent cache holds for one token: kv_lora_rank + qk_rope_head_dim for every attention.
std::int64_t cached_values_per_token(const ModelConfig& config);

}  // namespace nestor::config
