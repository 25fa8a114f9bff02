// The draft block (MTP): from the embedding of token i + 1 and the target's hidden row i to what predicts
// token i + 2 through the target's head. One dense layer.
#pragma once

#include "train/modules/attention.h"
#include "train/modules/feed_forward.h"

namespace nestor::train {

struct DraftParameters {
  torch::Tensor embedding_norm, hidden_norm;  // [H] enorm.m, hnorm.m
  torch::Tensor join;                         // [H, 2 H] eh_proj: embedding half first
  torch::Tensor input_norm;
  AttentionParameters attention;
  torch::Tensor post_attention_norm;
  FeedForwardParameters mlp;
  torch::Tensor norm;  // [H] of its output
};

DraftParameters make_draft_block(Initializer& make);

/// [n, H], what the head reads. embedding [n, H] of the next token, hidden [n, H] after the final norm;
/// positions and segments of `step` are those of the hidden rows.
torch::Tensor draft_block(const Step& step, const AttentionShape& shape, double norm_eps,
                          const DraftParameters& w, const torch::Tensor& embedding,
                          const torch::Tensor& hidden);

}  // namespace nestor::train
