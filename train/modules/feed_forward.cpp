#include "train/modules/feed_forward.h"

namespace nestor::train {

using config::Field;
using torch::Tensor;

FeedForwardParameters make_feed_forward(Initializer& make, config::Slot slot, double output_scale) {
  FeedForwardParameters w;
  slot.field = Field::gate;
  w.gate = make.parameter(slot);
  slot.field = Field::up;
  if (make.has(slot)) w.up = make.parameter(slot);
  slot.field = Field::down;
  w.down = make.parameter(slot, output_scale);
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
