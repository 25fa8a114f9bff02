#include "train/optimizer/gradient_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "train/optimizer/dense_kernels.h"

namespace nestor::train {
namespace {

constexpr std::int64_t kPiece = 1 << 14;

double host_square_sum(const torch::Tensor& gradient) {
  const torch::Tensor flat = gradient.contiguous();
  const float* x = flat.const_data_ptr<float>();
  const std::int64_t size = flat.numel(), pieces = (size + kPiece - 1) / kPiece;
  std::vector<double> sums(static_cast<std::size_t>(pieces));
  at::parallel_for(0, pieces, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t length = std::min(kPiece, size - i * kPiece);
      sums[static_cast<std::size_t>(i)] = square_sum({x + i * kPiece, static_cast<std::size_t>(length)});
    }
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  return sum;
}

}  // namespace

double squares_of(const torch::Tensor& gradient) {
  if (!gradient.defined()) return 0;
  return gradient.is_cpu() && gradient.scalar_type() == torch::kFloat32
             ? host_square_sum(gradient)
             : gradient.to(torch::kFloat64).square().sum().item<double>();
}

void GradientNorm::add(std::string_view name, double squares, double weight) {
  // The square of a float is far from the largest double, so the sum is finite exactly if all elements are.
  if (!std::isfinite(squares) && !not_finite_) not_finite_ = std::string(name);
  squares_ += weight * weight * squares;
}

double GradientNorm::norm() const { return std::sqrt(squares_); }

double GradientNorm::clip_scale(double largest) const {
  const double n = norm();
  return largest > 0 && n > largest ? largest / n : 1;
}

}  // namespace nestor::train
