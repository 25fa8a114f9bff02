#include "train/modules/attention.h"

#include <cmath>

namespace nestor::train {

using torch::Tensor;

AttentionShape attention_shape(const config::ModelConfig& c, const Rotary& rotary) {
  const auto hidden = static_cast<double>(c.hidden_size);
  const double q = c.mla_scale_q_lora ? std::sqrt(hidden / static_cast<double>(c.q_lora_rank)) : 1.0;
  const double kv = c.mla_scale_kv_lora ? std::sqrt(hidden / static_cast<double>(c.kv_lora_rank)) : 1.0;
  const double scale = rotary.score_factor / std::sqrt(static_cast<double>(c.qk_head_dim()));
  return {c.hidden_size,      c.num_attention_heads, c.q_lora_rank,     c.kv_lora_rank, c.qk_nope_head_dim,
          c.qk_rope_head_dim, c.v_head_dim,          c.latent_norm_eps, scale * q,      kv};
}

AttentionParameters make_attention(Initializer& make, const AttentionShape& s, const std::string& name,
                                   double output_scale) {
  const auto matrix = [&](const char* part, std::int64_t out, std::int64_t in, double scale) {
    return make.matrix(name + part, {out, in}, Role::matrix, scale);
  };
  AttentionParameters w;
  w.q_a = matrix(".q_a_proj.weight", s.q_rank, s.hidden, 1);
  w.q_norm = make.constant(name + ".q_a_layernorm.weight", s.q_rank, 1);
  w.q_b = matrix(".q_b_proj.weight", s.heads * (s.nope + s.rope), s.q_rank, 1);
  w.kv_a = matrix(".kv_a_proj_with_mqa.weight", s.kv_rank + s.rope, s.hidden, 1);
  w.kv_norm = make.constant(name + ".kv_a_layernorm.weight", s.kv_rank, 1);
  w.kv_b = matrix(".kv_b_proj.weight", s.heads * (s.nope + s.value), s.kv_rank, 1);
  w.o = matrix(".o_proj.weight", s.hidden, s.heads * s.value, output_scale);
  return w;
}

Tensor attention(const Step& step, const AttentionShape& s, const AttentionParameters& w, const Tensor& x) {
  const std::int64_t n = x.size(0);
  const auto linear = [&](const Tensor& in, const Tensor& weight) {
    return ops::linear(in, weight, step.products);
  };
  // Queries: a latent, then heads of a part without and a part with position.
  const Tensor q_latent = ops::rms_norm(linear(x, w.q_a), w.q_norm, s.norm_eps);
  const Tensor q = linear(q_latent, w.q_b).view({n, s.heads, s.nope + s.rope});
  const Tensor q_turned = ops::rotate(q.narrow(2, s.nope, s.rope).contiguous(), step.cos, step.sin);

  // Keys and values: a latent, and one key with position that all heads share.
  const Tensor down = linear(x, w.kv_a);
  const Tensor k_turned =
      ops::rotate(down.narrow(1, s.kv_rank, s.rope).contiguous().unsqueeze(1), step.cos, step.sin);
  const Tensor kv_latent =
      ops::rms_norm(down.narrow(1, 0, s.kv_rank).contiguous(), w.kv_norm * s.kv_factor, s.norm_eps);
  const Tensor kv = linear(kv_latent, w.kv_b).view({n, s.heads, s.nope + s.value});

  const auto in_rows = [&](const Tensor& t) {
    return t.contiguous().view({step.rows, step.window, s.heads, t.size(2)});
  };
  const Tensor queries = in_rows(torch::cat({q.narrow(2, 0, s.nope), q_turned}, 2));
  const Tensor keys =
      in_rows(torch::cat({kv.narrow(2, 0, s.nope), k_turned.expand({n, s.heads, s.rope})}, 2));
  const Tensor values = in_rows(kv.narrow(2, s.nope, s.value));
  const Tensor mixed = ops::attention(queries, keys, values, step.segments, s.score_factor, step.products);
  return linear(mixed.reshape({n, s.heads * s.value}), w.o);
}

}  // namespace nestor::train
