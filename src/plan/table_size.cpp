#include "plan/table_size.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <numeric>

namespace nestor::plan {
namespace {

constexpr std::int64_t kLargestDenominator = 8;

std::int64_t weight(const NearFraction& f) { return f.q * std::abs(f.offset); }

}  // namespace

NearFraction nearest_fraction(std::int64_t rows, std::int64_t vocab_size) {
  const auto fraction = [&](std::int64_t p, std::int64_t q) {
    return NearFraction{p, q, p * vocab_size - q * rows};
  };
  NearFraction best = fraction(std::max<std::int64_t>(rows / vocab_size, 1), 1);
  for (std::int64_t q = 1; q <= kLargestDenominator; ++q) {
    const std::int64_t below = q * rows / vocab_size;
    for (const std::int64_t p : {std::max<std::int64_t>(below, 1), below + 1}) {
      if (weight(fraction(p, q)) < weight(best)) best = fraction(p, q);
    }
  }
  return best;
}

double clearance(std::int64_t rows, std::int64_t vocab_size) {
  return static_cast<double>(weight(nearest_fraction(rows, vocab_size))) / static_cast<double>(vocab_size);
}

std::int64_t recommended_rows(std::int64_t rows, std::int64_t vocab_size) {
  const auto v = static_cast<double>(vocab_size);
  const double golden = std::numbers::phi - 1;  // 0.618
  const double whole = std::floor(static_cast<double>(rows) / v);
  std::int64_t best = 0;
  for (const double from : {whole - 1, whole, whole + 1}) {
    for (const double part : {1 - golden, golden}) {
      auto m = static_cast<std::int64_t>(std::llround((from + part) * v));
      if (m < 1) continue;
      while (std::gcd(m, vocab_size) != 1) ++m;
      if (best == 0 || std::abs(m - rows) < std::abs(best - rows)) best = m;
    }
  }
  return best;
}

}  // namespace nestor::plan
