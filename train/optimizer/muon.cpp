#include "train/optimizer/muon.h"

#include <algorithm>
#include <cmath>

namespace nestor::train {

torch::Tensor orthogonalized(const torch::Tensor& stack, ops::Products products) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
  constexpr int kSteps = 5;
  constexpr double kSmallestNorm = 1e-30;  // a matrix of zeros stays one
  const bool tall = stack.size(1) > stack.size(2);
  torch::Tensor x = tall ? stack.transpose(1, 2) : stack;
  x = x / x.square().sum({1, 2}, true).sqrt().clamp_min(kSmallestNorm);
  if (products == ops::Products::bf16) x = x.to(torch::kBFloat16);
  for (int step = 0; step < kSteps; ++step) {
    const torch::Tensor a = torch::bmm(x, x.transpose(1, 2));
    const torch::Tensor b = torch::baddbmm(a, a, a, kB, kC);
    x = torch::baddbmm(x, b, x, kA, 1);
  }
  x = x.to(stack.scalar_type());
  return (tall ? x.transpose(1, 2) : x).contiguous();
}

double muon_scale(std::int64_t out, std::int64_t in) {
  return std::sqrt(std::max(1.0, static_cast<double>(out) / static_cast<double>(in)));
}

}  // namespace nestor::train
