#include "quant/rounding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quant/number.h"

namespace nestor::quant {
namespace {

constexpr std::size_t kMostValues = 64;

// Nearest whole number, ties to even, for |x| < 2^22: vectorises where the library call does not.
inline float nearest(float x) {
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23
  return (x + kMagic) - kMagic;
}

struct Block {
  std::array<float, kMostValues> value{};
  std::array<float, kMostValues> weight{};
  std::size_t count = 0;
};

// Codes for a scale, as floats.
void codes_for(const Block& b, Levels l, float scale, std::array<float, kMostValues>& codes) {
  const float inverse = scale == 0 ? 0.0F : 1.0F / scale;
  const auto low = static_cast<float>(l.low);
  const auto high = static_cast<float>(l.high);
  for (std::size_t i = 0; i < b.count; ++i) {
    // Clamped first: a tiny scale must not carry the quotient out of the range of nearest().
    const float code = std::min(std::max(b.value[i] * inverse, low), high);
    codes[i] = nearest(code);
  }
}

float error_of(const Block& b, float scale, const std::array<float, kMostValues>& codes) {
  float sum = 0;
  for (std::size_t i = 0; i < b.count; ++i) {
    const float d = b.value[i] - scale * codes[i];
    sum += b.weight[i] * d * d;
  }
  return sum;
}

// The scale that fits given codes best.
float fitted(const Block& b, const std::array<float, kMostValues>& codes, float fallback) {
  float along = 0;
  float square = 0;
  for (std::size_t i = 0; i < b.count; ++i) {
    const float c = codes[i];
    along += b.weight[i] * b.value[i] * c;
    square += b.weight[i] * c * c;
  }
  return square > 0 ? along / square : fallback;
}

float stored(float scale) {
  const float rounded = from_bf16(to_bf16(scale));
  return std::isfinite(rounded) ? rounded : std::copysign(0x1.FEp127F, scale);
}

class Search {
 public:
  Search(const Block& block, Levels levels) : b_(block), l_(levels) {}

  void consider(float scale) {
    scale = stored(scale);
    codes_for(b_, l_, scale, codes_);
    keep_if_better(scale);
    const float refined = stored(fitted(b_, codes_, scale));
    if (refined == scale) return;
    codes_for(b_, l_, refined, codes_);
    keep_if_better(refined);
  }

  float scale() const { return scale_; }
  const std::array<float, kMostValues>& codes() const { return best_; }

 private:
  void keep_if_better(float scale) {
    const float error = error_of(b_, scale, codes_);
    if (!(error < least_)) return;
    least_ = error;
    scale_ = scale;
    best_ = codes_;
  }

  const Block& b_;
  Levels l_;
  float least_ = std::numeric_limits<float>::infinity();
  float scale_ = 0;
  std::array<float, kMostValues> codes_{};
  std::array<float, kMostValues> best_{};
};

float largest_of(const Block& b) {
  float largest = 0;
  for (std::size_t i = 0; i < b.count; ++i) {
    if (std::fabs(b.value[i]) > std::fabs(largest)) largest = b.value[i];
  }
  return largest;
}

// The scale that gives the largest value the outermost code. Where there is one more code below zero than
// above, the sign of the scale puts the largest value there.
float outermost(const Block& b, Levels l) {
  if (-l.low == l.high) return std::fabs(largest_of(b)) / static_cast<float>(l.high);
  return largest_of(b) / static_cast<float>(l.low);
}

// Searched factors of the absmax scale. Coarse levels pay for cutting off the largest values; with eight bits
// nothing is won below 0.97.
std::array<float, 2> factor_range(Levels l) {
  if (l.high >= 127) return {0.97F, 1.0F};
  return l.high >= 15 ? std::array{0.85F, 1.05F} : std::array{0.5F, 1.15F};
}

}  // namespace

Levels levels_of(int bits) {
  if (bits == 8) return {-127, 127};
  const int half = 1 << (bits - 1);
  return {-half, half - 1};
}

std::string_view name_of(ScaleRule rule) { return rule == ScaleRule::search ? "search" : "absmax"; }

std::uint16_t encode_block(std::span<const float> values, std::span<const float> importance, Levels levels,
                           ScaleRule rule, std::int8_t* codes) {
  // Weights and their squares must stay inside float32: a block is brought near one by a power of two.
  Block block;
  block.count = values.size();
  std::copy(values.begin(), values.end(), block.value.begin());
  int exponent = 0;
  std::frexp(largest_of(block), &exponent);
  for (std::size_t i = 0; i < block.count; ++i) block.value[i] = std::ldexp(block.value[i], -exponent);
  block.weight.fill(1);
  if (!importance.empty()) {
    const float most = *std::max_element(importance.begin(), importance.end());
    for (std::size_t i = 0; i < block.count && most > 0; ++i) {
      block.weight[i] = std::max(importance[i] / most, 1e-6F);
    }
  }

  const float base = outermost(block, levels);
  std::array<float, kMostValues> chosen{};
  float scale = stored(base);
  if (rule == ScaleRule::absmax) {
    codes_for(block, levels, scale, chosen);
  } else {
    constexpr int kSteps = 12;
    const auto [from, to] = factor_range(levels);
    const bool two_signs = -levels.low != levels.high;
    Search search(block, levels);
    for (int i = 0; i <= kSteps; ++i) {
      const float factor = from + (to - from) * static_cast<float>(i) / kSteps;
      search.consider(base * factor);
      if (two_signs) search.consider(-base * factor);
    }
    scale = search.scale();
    chosen = search.codes();
  }
  for (std::size_t i = 0; i < block.count; ++i) codes[i] = static_cast<std::int8_t>(chosen[i]);
  return to_bf16(stored(std::ldexp(scale, exponent)));
}

}  // namespace nestor::quant
