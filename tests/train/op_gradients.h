// A node's gradient against central differences, in double precision.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

namespace nestor::train::ops::testing {

using torch::Tensor;
/// Maps inputs to one tensor.
using Op = std::function<Tensor(const std::vector<Tensor>&)>;

inline Tensor normal(at::IntArrayRef shape, torch::ScalarType type, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return torch::randn(shape, generator, torch::TensorOptions().dtype(torch::kFloat64)).to(type);
}

/// The seed of the direction in which results are summed.
constexpr std::uint64_t kDirection = 5;

/// What op returns, and the gradients of sum(result * direction) for each input.
struct Ran {
  Tensor result;
  std::vector<Tensor> gradients;
};

inline Ran run(const Op& op, const std::vector<Tensor>& inputs, std::uint64_t seed) {
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.detach().clone().set_requires_grad(true));
  const Tensor result = op(leaves);
  const Tensor direction = normal(result.sizes(), result.scalar_type(), seed);
  (result * direction).sum().backward();
  Ran ran{result.detach(), {}};
  for (const Tensor& x : leaves) ran.gradients.push_back(x.grad());
  return ran;
}

/// Holds entries of every gradient (all, or of a large one about 100 spread evenly) of f = sum(op *
/// direction) against D(h) = (f(x + h) - f(x - h)) / 2h. D(h) = f' + h^2 f''' / 6 + O(h^4), so |D(2h) - D(h)|
/// = h^2 |f'''| / 2 is three times the truncation error of D(h); all of it is allowed, which leaves room for
/// the next term. Each f has an error of at most `roundings` * 2^-53 * sum |op * direction| where `roundings`
/// counts those along the longest chain inside op, sums included; two of them over 2h make the other part
/// (for D(2h) half of it).
inline void expect_gradients(const std::string& name, const Op& op, const std::vector<Tensor>& inputs,
                             double roundings) {
  SCOPED_TRACE(name);
  constexpr double kStep = 1e-4, kUnit = 1.1102230246251565e-16;
  const Ran ran = run(op, inputs, kDirection);
  const Tensor direction = normal(ran.result.sizes(), torch::kFloat64, kDirection);
  const torch::NoGradGuard none;
  const double magnitude = (ran.result * direction).abs().sum().item<double>();
  const double rounding = 2 * roundings * kUnit * magnitude / (2 * kStep);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_TRUE(ran.gradients[i].defined()) << "input " << i;
    const Tensor flat = ran.gradients[i].contiguous().flatten();
    std::vector<Tensor> moved = inputs;
    const auto value_at = [&](std::int64_t j, double by) {
      moved[i] = inputs[i].clone(at::MemoryFormat::Contiguous);
      moved[i].view(-1)[j] += by;
      return (op(moved) * direction).sum().item<double>();
    };
    const std::int64_t step = 1 + flat.numel() / 100;
    for (std::int64_t j = 0; j < flat.numel(); j += step) {
      const double near = (value_at(j, kStep) - value_at(j, -kStep)) / (2 * kStep);
      const double far = (value_at(j, 2 * kStep) - value_at(j, -2 * kStep)) / (4 * kStep);
      ASSERT_NEAR(flat[j].item<double>(), near, std::abs(far - near) + 1.5 * rounding)
          << "input " << i << " entry " << j;
    }
  }
}

}  // namespace nestor::train::ops::testing
