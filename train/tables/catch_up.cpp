#include "train/tables/catch_up.h"

#include <algorithm>
#include <cmath>

namespace nestor::train {
namespace {

// The sum of the powers left out is below 2^-30 / (1 - ratio) of a step: less than the rounding of one value.
constexpr double kSmallest = 0x1p-30;
constexpr std::size_t kMost = 1 << 14;

}  // namespace

CatchUp::CatchUp(double beta1, double beta2) : exact_{0.0}, rounded_{0.0F} {
  const double ratio = beta1 / std::sqrt(beta2);
  for (double power = ratio; power > kSmallest && powers_.size() < kMost; power *= ratio)
    powers_.push_back(power);
}

void CatchUp::advance(double a) {
  const std::size_t now = exact_.size();
  const std::size_t reach = std::min(powers_.size(), now - 1);
  for (std::size_t k = 1; k <= reach; ++k) {
    exact_[now - k] += a * powers_[k - 1];
    rounded_[now - k] = static_cast<float>(exact_[now - k]);
  }
  exact_.push_back(0);
  rounded_.push_back(0);
}

void CatchUp::restore(std::span<const double> exact) {
  exact_.assign(exact.begin(), exact.end());
  rounded_.resize(exact_.size());
  std::transform(exact_.begin(), exact_.end(), rounded_.begin(),
                 [](double d) { return static_cast<float>(d); });
}

Decay::Decay(double beta) {
  for (std::uint32_t i = 0; i < kLow; ++i) low_.push_back(static_cast<float>(std::pow(beta, i)));
  for (std::uint32_t i = 0; i < kHigh; ++i) {
    const double power = std::pow(beta, static_cast<double>(i) * kLow);
    high_.push_back(power < 1e-30 ? 0.0F : static_cast<float>(power));
  }
}

}  // namespace nestor::train
