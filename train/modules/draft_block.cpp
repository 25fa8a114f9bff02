#include "train/modules/draft_block.h"

#include <cmath>

namespace nestor::train {

using torch::Tensor;

DraftParameters make_draft_block(Initializer& make, const config::ModelConfig& c,
                                 const AttentionShape& shape) {
  const std::string name = "model.mtp.layers.0";
  const double scale = 1 / std::sqrt(2.0);  // two branches
  const auto norm = [&](const std::string& of) { return make.constant(of + ".weight", c.hidden_size, 1); };
  DraftParameters w;
  w.embedding_norm = norm(name + ".enorm.m");
  w.hidden_norm = norm(name + ".hnorm.m");
  w.join = make.matrix(name + ".eh_proj.weight", {c.hidden_size, 2 * c.hidden_size}, Role::matrix);
  w.input_norm = norm(name + ".input_layernorm");
  w.attention = make_attention(make, shape, name + ".self_attn", scale);
  w.post_attention_norm = norm(name + ".post_attention_layernorm");
  w.mlp = make_feed_forward(make, c.hidden_size, c.ffn_hidden_size, name + ".transformer_layer.mlp",
                            UpPart::projection, scale);
  w.norm = norm("model.mtp.norm");
  return w;
}

Tensor draft_block(const Step& step, const AttentionShape& shape, double norm_eps, const DraftParameters& w,
                   const Tensor& embedding, const Tensor& hidden) {
  const Tensor joined = torch::cat(
      {ops::rms_norm(embedding, w.embedding_norm, norm_eps), ops::rms_norm(hidden, w.hidden_norm, norm_eps)},
      1);
  Tensor x = ops::linear(joined, w.join, step.products);
  x = x + attention(step, shape, w.attention, ops::rms_norm(x, w.input_norm, norm_eps));
  x = x + feed_forward(step, w.mlp, ops::rms_norm(x, w.post_attention_norm, norm_eps));
  return ops::rms_norm(x, w.norm, norm_eps);
}

}  // namespace nestor::train
