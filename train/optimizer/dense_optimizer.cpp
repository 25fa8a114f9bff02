#include "train/optimizer/dense_optimizer.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "base/error.h"
#include "train/optimizer/dense_kernels.h"
#include "train/optimizer/muon.h"

namespace nestor::train {
namespace {

using torch::Tensor;

constexpr std::int64_t kElementsForAThread = 1 << 15;

bool is_hidden_matrix(Role role) { return role == Role::matrix || role == Role::expert_stack; }

std::span<float> part(const Tensor& tensor, std::int64_t begin, std::int64_t end) {
  return {tensor.data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)};
}

// Loops of our own are for float32 on the CPU; elsewhere torch's operations say the same.
bool has_loops(const Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == torch::kFloat32; }

void adam_step(const Tensor& p, const Tensor& gradient, const Tensor& m, const Tensor& v,
               const AdamRule& rule) {
  if (has_loops(p)) {
    at::parallel_for(0, p.numel(), kElementsForAThread, [&](std::int64_t begin, std::int64_t end) {
      adam_elements(part(p, begin, end), part(gradient, begin, end), part(m, begin, end), part(v, begin, end),
                    rule);
    });
    return;
  }
  const Tensor g = gradient * rule.gradient_scale;
  m.lerp_(g, rule.take1);
  v.lerp_(g * g, rule.take2);
  p.mul_(rule.keep).addcdiv_(m, v.sqrt().add_(rule.epsilon), -rule.size);
}

Tensor momentum_step(const Tensor& gradient, const Tensor& buffer, const MomentumRule& rule) {
  Tensor direction = torch::empty_like(buffer);
  if (has_loops(buffer)) {
    at::parallel_for(0, buffer.numel(), kElementsForAThread, [&](std::int64_t begin, std::int64_t end) {
      momentum_elements(part(gradient, begin, end), part(buffer, begin, end), part(direction, begin, end),
                        rule);
    });
    return direction;
  }
  const Tensor g = gradient * rule.gradient_scale;
  buffer.mul_(rule.momentum).add_(g);
  return g.add(buffer, rule.momentum);
}

void descend(const Tensor& p, const Tensor& direction, double rate, double keep) {
  if (has_loops(p)) {
    at::parallel_for(0, p.numel(), kElementsForAThread, [&](std::int64_t begin, std::int64_t end) {
      descend_elements(part(p, begin, end), part(direction, begin, end), static_cast<float>(rate),
                       static_cast<float>(keep));
    });
    return;
  }
  p.mul_(keep).sub_(direction.view_as(p), rate);
}

void check(const Parameter& parameter) {
  const std::int64_t dimensions = parameter.tensor.dim();
  const bool fits = parameter.role == Role::expert_stack ? dimensions == 3
                    : parameter.role == Role::matrix     ? dimensions == 2
                                                         : dimensions >= 1;
  if (!fits || !parameter.tensor.is_contiguous()) {
    fail(ErrorKind::internal, "parameter {}: {} dimensions do not fit its role, or it is not contiguous",
         parameter.name, dimensions);
  }
}

}  // namespace

DenseOptimizer::DenseOptimizer(std::vector<Parameter> parameters, const recipe::DenseOptimizer& options,
                               ops::Products products)
    : options_(options), products_(products) {
  for (Parameter& parameter : parameters) slots_.push_back(slot_for(std::move(parameter)));
}

DenseOptimizer::Slot DenseOptimizer::slot_for(Parameter parameter) const {
  check(parameter);
  const torch::NoGradGuard no_grad;
  Slot slot;
  slot.parameter = std::move(parameter);
  const Role role = slot.parameter.role;
  const bool by_muon = options_.kind == recipe::DenseOptimizer::Kind::muon && is_hidden_matrix(role);
  slot.learning_rate = by_muon ? options_.muon_learning_rate : options_.learning_rate;
  if (role == Role::head) slot.learning_rate *= options_.head_learning_rate_factor;
  if (role == Role::router) slot.learning_rate *= options_.router_learning_rate_factor;
  slot.weight_decay = role == Role::vector ? 0 : options_.weight_decay;
  slot.pieces = slot.parameter.slot.field == config::Field::gate_up ? 2 : 1;
  slot.first = torch::zeros_like(slot.parameter.tensor).detach();
  if (!by_muon) slot.second = torch::zeros_like(slot.parameter.tensor).detach();
  return slot;
}

void DenseOptimizer::step(const DenseStep& step, std::span<const Tensor> gradients) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    if (slots_[i].second.defined()) {
      adam(slots_[i], gradients[i].contiguous(), step);
    } else {
      muon(slots_[i], gradients[i].contiguous(), step);
    }
  }
}

void DenseOptimizer::adam(Slot& slot, const Tensor& gradient, const DenseStep& step) const {
  const auto s = static_cast<double>(step.step);
  const double rate = slot.learning_rate * step.factor;
  const double second = std::sqrt(1 - std::pow(options_.beta2, s));
  AdamRule rule;
  rule.size = static_cast<float>(rate * second / (1 - std::pow(options_.beta1, s)));
  rule.epsilon = static_cast<float>(options_.epsilon * second);
  rule.take1 = static_cast<float>(1 - options_.beta1);
  rule.take2 = static_cast<float>(1 - options_.beta2);
  rule.keep = static_cast<float>(1 - rate * slot.weight_decay);
  rule.gradient_scale = static_cast<float>(step.gradient_scale);
  const Tensor p = slot.parameter.tensor.detach();
  adam_step(p, gradient, slot.first, slot.second, rule);
}

void DenseOptimizer::muon(Slot& slot, const Tensor& gradient, const DenseStep& step) const {
  const Tensor p = slot.parameter.tensor.detach();
  MomentumRule rule;
  rule.momentum = static_cast<float>(options_.muon_momentum);
  rule.gradient_scale = static_cast<float>(step.gradient_scale);
  const Tensor direction = momentum_step(gradient, slot.first, rule);
  const std::int64_t out = p.size(-2) / slot.pieces, in = p.size(-1);
  const Tensor orthogonal = orthogonalized(direction.view({-1, out, in}), products_);
  const double rate = slot.learning_rate * step.factor;
  descend(p, orthogonal, rate * muon_scale(out, in), 1 - rate * slot.weight_decay);
}

std::vector<Buffer> DenseOptimizer::state() const {
  std::vector<Buffer> state;
  for (const Slot& slot : slots_) {
    const std::string& name = slot.parameter.name;
    if (slot.second.defined()) {
      state.push_back({name + ".first", slot.first});
      state.push_back({name + ".second", slot.second});
    } else {
      state.push_back({name + ".momentum", slot.first});
    }
  }
  return state;
}

}  // namespace nestor::train
