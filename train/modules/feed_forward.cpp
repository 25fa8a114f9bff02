#include "train/modules/feed_forward.h"

namespace nestor::train {

using torch::Tensor;

FeedForwardParameters make_feed_forward(Initializer& make, std::int64_t hidden, std::int64_t inner,
                                        const std::string& name, UpPart up, double output_scale) {
  FeedForwardParameters w;
  w.gate = make.matrix(name + ".gate_proj.weight", {inner, hidden}, Role::matrix);
  if (up == UpPart::projection) w.up = make.matrix(name + ".up_proj.weight", {inner, hidden}, Role::matrix);
  w.down = make.matrix(name + ".down_proj.weight", {hidden, inner}, Role::matrix, output_scale);
  return w;
}

Tensor feed_forward(const Step& step, const FeedForwardParameters& w, const Tensor& x) {
  return feed_forward(step, w, x, ops::linear(x, w.up.value(), step.products));
}

Tensor feed_forward(const Step& step, const FeedForwardParameters& w, const Tensor& x, const Tensor& e) {
  const Tensor gate = ops::linear(x, w.gate, step.products);
  return ops::linear(ops::swiglu(gate, e), w.down, step.products);
}

}  // namespace nestor::train
