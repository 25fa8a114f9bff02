#include "train/modules/causal_lm.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace nestor::train {

using torch::Tensor;

void Observer::see(std::string_view, std::string_view, const Tensor&) {}

CausalLm::CausalLm(const recipe::Modeling& modeling, const recipe::Routing& routing, const Options& options)
    : modeling_(modeling),
      hidden_z_loss_(routing.hidden_z_loss),
      options_(options),
      rotary_(rotary_of(modeling.config)),
      shape_{attention_shape(modeling.config, rotary_), router_shape(modeling.config, routing),
             modeling.config.rms_norm_eps},
      tables_(table_specs(modeling)),
      reader_(modeling.config, {options.device, options.dtype}) {
  const config::ModelConfig& c = modeling_.config;
  Initializer make(c, {options.seed, modeling.init_std, options.device, options.dtype});
  embedding_ = make_embedding(make, c);
  for (std::int64_t n = 0; n < c.num_layers; ++n)
    layers_.push_back(make_shortcut_layer(make, n, c.num_layers));
  head_ = make_head(make);
  if (modeling.draft) draft_ = make_draft_block(make);
  parameters_ = std::move(make.parameters);
  buffers_ = std::move(make.buffers);
}

std::int64_t CausalLm::draft_rows(std::int64_t rows) const {
  if (!draft_ || modeling_.draft_fraction <= 0) return 0;
  const auto wanted = std::llround(modeling_.draft_fraction * static_cast<double>(rows));
  return std::clamp<std::int64_t>(wanted, 1, rows);
}

Step CausalLm::step_of(const Inputs& inputs, Observer& observer) const {
  Angles angles = angles_at(rotary_, inputs.positions, options_.dtype);
  return {inputs.rows, inputs.window, inputs.segments, angles.cos, angles.sin, options_.products, observer};
}

Hidden CausalLm::hidden(const Step& step, const Inputs& inputs) const {
  const config::ModelConfig& c = modeling_.config;
  const std::span<const EmbeddingLookup> own(inputs.layers);
  Hidden result;
  result.embedded = embedding(step, c, embedding_, inputs.input);
  Tensor h = result.embedded.narrow(0, 0, step.rows * step.window);
  for (std::size_t n = 0; n < layers_.size(); ++n) {
    ShortcutResult layer = shortcut_layer(step, shape_, layers_[n], own.empty() ? own : own.subspan(n, 1), h);
    h = layer.h;
    result.routed.push_back(std::move(layer.routed));
  }
  result.last = h;
  result.normed = ops::rms_norm(h, head_.norm, shape_.norm_eps);
  step.observer.see("model.norm", "", result.normed);
  return result;
}

Tensor CausalLm::draft_hidden(const Step& step, const Inputs& inputs, const Hidden& hidden) const {
  if (!draft_) fail(ErrorKind::usage, "this model has no draft block");
  const std::int64_t n = inputs.draft_rows * inputs.window;
  const Step part{inputs.draft_rows,
                  inputs.window,
                  step.segments.narrow(0, 0, inputs.draft_rows),
                  step.cos.narrow(0, 0, n),
                  step.sin.narrow(0, 0, n),
                  step.products,
                  step.observer};
  const Tensor next = ops::gather_rows(hidden.embedded, inputs.draft_index);
  return draft_block(part, shape_.attention, shape_.norm_eps, *draft_, next, hidden.normed.narrow(0, 0, n));
}

Losses CausalLm::losses(const Inputs& inputs) const {
  Observer nobody;
  return losses(inputs, nobody);
}

Losses CausalLm::losses(const Inputs& inputs, Observer& observer) const {
  const Step step = step_of(inputs, observer);
  const Hidden h = hidden(step, inputs);
  const auto mean = [](const Tensor& sum, std::int64_t count) {
    return sum / static_cast<double>(std::max<std::int64_t>(count, 1));
  };
  Losses out;
  // The share of a part of a batch in what is a mean over positions.
  const double share =
      static_cast<double>(inputs.own.positions) / static_cast<double>(inputs.whole.positions);
  const Tensor nll = ops::linear_cross_entropy(h.normed, head_.weight, inputs.targets, step.products);
  out.token_nll = nll.detach();
  out.total = mean(nll, inputs.whole.scored);

  const Tensor zero = torch::zeros({}, out.token_nll.options());
  Tensor balance = zero;
  for (const Routed& routed : h.routed) {
    balance = balance + routed.balance;
    out.counts.push_back(routed.counts);
  }
  balance = balance * share;
  out.total = out.total + balance;
  out.balance = balance.detach();

  if (hidden_z_loss_ > 0) out.total = out.total + hidden_z_loss(h.last, hidden_z_loss_) * share;

  out.draft_nll = zero;
  if (inputs.draft_rows > 0) {
    const Tensor z = draft_hidden(step, inputs, h);
    const Tensor draft = ops::linear_cross_entropy(z, head_.weight, inputs.draft_targets, step.products);
    out.total = out.total + mean(draft, inputs.whole.draft_scored) * modeling_.draft_loss_weight;
    out.draft_nll = draft.detach();
  }
  return out;
}

Tensor CausalLm::logits(const Inputs& inputs, Observer& observer) const {
  const torch::NoGradGuard guard;
  const Step step = step_of(inputs, observer);
  const Tensor logits = ops::linear(hidden(step, inputs).normed, head_.weight, step.products);
  observer.see("logits", "", logits);
  return logits;
}

Tensor CausalLm::draft_logits(const Inputs& inputs) const {
  const torch::NoGradGuard guard;
  Observer nobody;
  const Step step = step_of(inputs, nobody);
  return ops::linear(draft_hidden(step, inputs, hidden(step, inputs)), head_.weight, step.products);
}

void CausalLm::update_router_biases(const std::vector<Tensor>& counts) {
  for (std::size_t n = 0; n < layers_.size(); ++n)
    update_bias(shape_.router, layers_[n].router, counts.at(n));
}

std::vector<Load> CausalLm::loads(const std::vector<Tensor>& counts) const {
  std::vector<Load> loads;
  for (const Tensor& of_layer : counts) loads.push_back(load_of(shape_.router, of_layer));
  return loads;
}

}  // namespace nestor::train
