#include "train/modules/draft_block.h"

#include <cmath>

namespace nestor::train {

using config::Field;
using config::Part;
using torch::Tensor;

DraftParameters make_draft_block(Initializer& make) {
  const double scale = 1 / std::sqrt(2.0);  // two branches
  const auto of = [&](Field field) { return make.parameter({Part::draft, field}); };
  return {of(Field::draft_embedding_norm),
          of(Field::draft_hidden_norm),
          of(Field::draft_join),
          of(Field::input_norm),
          make_attention(make, {Part::draft}, scale),
          of(Field::post_attention_norm),
          make_feed_forward(make, {Part::draft}, scale),
          of(Field::final_norm)};
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
