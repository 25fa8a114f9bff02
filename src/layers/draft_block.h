// The draft block (multi-token prediction): from what the target knows at a position and the token after it
// to a guess of the token after that. One dense layer between joined inputs and the target's head.
#pragma once

#include "kernels/feed_forward.h"
#include "layers/attention.h"

namespace nestor::layers {

struct DraftBlockWeights {
  const float* embedding_norm = nullptr;  // [H]
  const float* hidden_norm = nullptr;     // [H]
  kernels::MatrixView join{};             // [H, 2 H], the embedding's half first
  const float* input_norm = nullptr;      // [H]
  AttentionWeights attention{};
  const float* post_attention_norm = nullptr;  // [H]
  kernels::FeedForwardWeights mlp{};
  const float* norm = nullptr;  // [H]
};

/// z [T, H], which the head reads, from the hidden rows [T, H] of T positions, after the target's final norm
/// or a z of earlier, and the embeddings [T, H] of the tokens that follow them. `cache` has the T positions.
void draft_block(const kernels::Context& ctx, const AttentionShape& shape, float norm_eps,
                 const DraftBlockWeights& w, const StepCache& cache, kernels::Rows embedding,
                 kernels::Rows hidden, kernels::Rows z);

}  // namespace nestor::layers
