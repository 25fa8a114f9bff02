// Multi-head latent attention with the variance-alignment factors, in the form that training wants: keys and
// values are formed for every head (inference absorbs kv_b_proj instead). Letters: n tokens, H hidden, A
// heads, C = qk_nope_head_dim, R = qk_rope_head_dim, V = v_head_dim.
#pragma once

#include "config/model_config.h"
#include "train/modules/initial_values.h"
#include "train/modules/rotary.h"
#include "train/modules/step.h"

namespace nestor::train {

/// Sizes and factors, the same for every attention of a model.
struct AttentionShape {
  std::int64_t hidden, heads, q_rank, kv_rank, nope, rope, value;
  double norm_eps;      // of the two latent norms
  double score_factor;  // (C + R)^-1/2, YaRN's factor, and sqrt(H / q_rank), which all queries carry
  double kv_factor;     // sqrt(H / kv_rank)
};
AttentionShape attention_shape(const config::ModelConfig& config, const Rotary& rotary);

struct AttentionParameters {
  torch::Tensor q_a;      // [q_rank, H]
  torch::Tensor q_norm;   // [q_rank]
  torch::Tensor q_b;      // [A (C + R), q_rank], head by head
  torch::Tensor kv_a;     // [kv_rank + R, H]
  torch::Tensor kv_norm;  // [kv_rank]
  torch::Tensor kv_b;     // [A (C + V), kv_rank], head by head: keys, then values
  torch::Tensor o;        // [H, A V]
};

/// Of the part, layer and sublayer of `slot`; `output_scale` is that of the output projection.
AttentionParameters make_attention(Initializer& make, config::Slot slot, double output_scale);

/// [n, H] from normalised x [n, H].
torch::Tensor attention(const Step& step, const AttentionShape& shape, const AttentionParameters& w,
                        const torch::Tensor& x);

}  // namespace nestor::train
