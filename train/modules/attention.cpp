#include "train/modules/attention.h"

#include <cmath>

namespace nestor::train {

using config::Field;
using torch::Tensor;

AttentionShape attention_shape(const config::ModelConfig& c, const Rotary& rotary) {
  const auto hidden = static_cast<double>(c.hidden_size);
  const double q = c.mla_scale_q_lora ? std::sqrt(hidden / static_cast<double>(c.q_lora_rank)) : 1.0;
  const double kv = c.mla_scale_kv_lora ? std::sqrt(hidden / static_cast<double>(c.kv_lora_rank)) : 1.0;
  const double scale = rotary.score_factor / std::sqrt(static_cast<double>(c.qk_head_dim()));
  return {c.hidden_size,      c.num_attention_heads, c.q_lora_rank,     c.kv_lora_rank, c.qk_nope_head_dim,
          c.qk_rope_head_dim, c.v_head_dim,          c.latent_norm_eps, scale * q,      kv};
}

AttentionParameters make_attention(Initializer& make, config::Slot slot, double output_scale) {
  const auto of = [&](Field field, double scale = 1) {
    slot.field = field;
    return make.parameter(slot, scale);
  };
  return {of(Field::q_a),  of(Field::q_norm),         of(Field::q_b), of(Field::kv_a), of(Field::kv_norm),
          of(Field::kv_b), of(Field::o, output_scale)};
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
