// How numbers become codes: the levels a code can have, and the search for the scale of a block.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nestor::quant {

/// value = code * scale, code within [low, high].
struct Levels {
  int low;
  int high;
};

/// Levels of `bits` 2 to 8 as tiles and records use them: all codes of so many bits, except that 8 bits are
/// symmetric, so that products of magnitudes stay small. (Levels between whole codes were tried: worse from 3
/// bits on, 1 % less error with 2.)
Levels levels_of(int bits);

enum class ScaleRule {
  absmax,  // the largest magnitude gets the outermost code
  search,  // the least squared error over a grid of scales, each refined by least squares
};

/// "absmax" or "search".
std::string_view name_of(ScaleRule rule);

/// What is multiplied back stays finite.
inline constexpr float kLargestValue = 1e38F;

/// The scale of one block as it is stored (bfloat16 bits) and its codes. A bfloat16 scale has the range of
/// the weights themselves, and codes are chosen for the rounded scale, so its short mantissa costs nothing.
/// `importance` weights the squared errors, one for each value, or is empty. Values must be smaller than
/// kLargestValue in magnitude.
std::uint16_t encode_block(std::span<const float> values, std::span<const float> importance, Levels levels,
                           ScaleRule rule, std::int8_t* codes);

}  // namespace nestor::quant
