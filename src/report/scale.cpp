#include "report/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nestor::report {
namespace {

constexpr double kMostTicks = 8;

// Multiples of 1, 2 or 5 times a power of ten.
std::vector<double> round_values(double low, double high) {
  const double power = std::pow(10, std::floor(std::log10((high - low) / kMostTicks)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if ((high - low) / (factor * power) <= kMostTicks) step = factor * power;
  }
  std::vector<double> values;
  for (double i = std::ceil(low / step); i * step <= high; ++i) values.push_back(i * step);
  return values;
}

// 1, 2 and 5 of every decade, or only its beginning where there are many.
std::vector<double> round_values_of_decades(double low, double high) {
  std::vector<double> values;
  for (const std::vector<double>& factors : {std::vector<double>{1, 2, 5}, std::vector<double>{1}}) {
    values.clear();
    for (double e = std::floor(std::log10(low)); e <= std::log10(high); ++e) {
      for (const double factor : factors) {
        const double value = factor * std::pow(10, e);
        if (value >= low && value <= high) values.push_back(value);
      }
    }
    if (static_cast<double>(values.size()) <= kMostTicks) break;
  }
  return values;
}

}  // namespace

bool Range::shows(double value) const {
  return std::isfinite(value) && (scale_ == Scale::linear || value > 0);
}

void Range::include(double value) {
  if (!shows(value)) return;
  const double at = scale_ == Scale::log ? std::log10(value) : value;
  low_ = empty_ ? at : std::min(low_, at);
  high_ = empty_ ? at : std::max(high_, at);
  empty_ = false;
}

void Range::pad() {
  if (empty_) high_ = 1;
  double margin = (high_ - low_) / 20;
  if (margin == 0) margin = scale_ == Scale::log ? 0.1 : std::max(std::abs(low_) / 20, 1e-3);
  low_ -= margin;
  high_ += margin;
  empty_ = false;
}

double Range::place(double value) const {
  const double at = scale_ == Scale::log ? std::log10(value) : value;
  return high_ > low_ ? (at - low_) / (high_ - low_) : 0.5;
}

double Range::low() const { return scale_ == Scale::log ? std::pow(10, low_) : low_; }
double Range::high() const { return scale_ == Scale::log ? std::pow(10, high_) : high_; }

std::vector<double> Range::ticks() const {
  if (!(high_ > low_)) return {low()};
  if (scale_ == Scale::linear) return round_values(low_, high_);
  std::vector<double> values = round_values_of_decades(low(), high());
  return values.size() >= 3 ? values : round_values(low(), high());
}

std::string tick_text(double value) {
  for (const auto& [size, letter] : {std::pair{1e9, "G"}, std::pair{1e6, "M"}, std::pair{1e4, "k"}}) {
    const double unit = size == 1e4 ? 1e3 : size;
    if (std::abs(value) >= size) return fmt::format("{:.4g}{}", value / unit, letter);
  }
  return std::abs(value) < 1e-12 ? "0" : fmt::format("{:.4g}", value);
}

std::string number_text(double value) {
  if (value == std::round(value) && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  const double size = std::abs(value);
  if (size < 1e-4 || size >= 1e6) return fmt::format("{:.4g}", value);
  const int digits = std::clamp(3 - static_cast<int>(std::floor(std::log10(size))), 0, 7);
  return fmt::format("{:.{}f}", value, digits);
}

}  // namespace nestor::report
