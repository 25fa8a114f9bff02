// What Adam does to a row while nothing touches it.
//
// With a_s = lr_s sqrt(1 - beta2^s) / (1 - beta1^s), dense Adam at step s subtracts a_s m_s / (sqrt(v_s) +
// e). A row touched last at step t has m_s = beta1^(s-t) m and v_s = beta2^(s-t) v, so for e << sqrt(v_s) all
// missed steps up to now together subtract
//     drift(t) m / (sqrt(v) + e),   drift(t) = sum over s in (t, now] of a_s (beta1 / sqrt(beta2))^(s-t),
// one number for each t, exact for any schedule. Epsilon is not decayed: where it matters, dense Adam moves
// less.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nestor::train {

class CatchUp {
 public:
  /// Requires beta1^2 < beta2 < 1, beta1 >= 0.
  CatchUp(double beta1, double beta2);

  /// Steps done so far.
  std::int64_t steps() const { return static_cast<std::int64_t>(exact_.size()) - 1; }

  /// drift(t) of t = 0 .. steps(); drift(0) is 0: a row that was never touched does not move.
  std::span<const float> drift() const { return rounded_; }
  std::span<const double> exact() const { return exact_; }

  /// One more step, of size a.
  void advance(double a);

  /// Back to what exact() said once; its first element is drift(0).
  void restore(std::span<const double> exact);

 private:
  std::vector<double> powers_;  // (beta1 / sqrt(beta2))^k, k = 1 .., as far as they count
  std::vector<double> exact_;
  std::vector<float> rounded_;
};

/// beta^n by two table look-ups, relative error 2^-23; below 1e-30 it is 0, beyond n = 2^18 - 1 it stays.
class Decay {
 public:
  explicit Decay(double beta);
  float operator()(std::uint32_t n) const {
    if (n >= kLow * kHigh) n = kLow * kHigh - 1;
    const float power = low_[n % kLow] * high_[n / kLow];
    return power < 1e-30F ? 0.0F : power;
  }

 private:
  static constexpr std::uint32_t kLow = 512, kHigh = 512;
  std::vector<float> low_, high_;
};

}  // namespace nestor::train
