// What a stored number is: the scalar meaning of each storage type, and rounding to it (nearest, ties to
// even). These functions are the specification that the vectorised kernels are tested against.
#pragma once

#include <cstdint>

namespace nestor::quant {

/// bfloat16: the upper half of a float32.
float from_bf16(std::uint16_t bits);
std::uint16_t to_bf16(float value);

/// IEEE 754 binary16.
float from_f16(std::uint16_t bits);
std::uint16_t to_f16(float value);  // beyond the largest finite value: infinity

/// OCP float8 e4m3fn: 1 sign, 4 exponent (bias 7), 3 mantissa bits; no infinities, S.1111.111 is NaN, largest
/// 448.
float from_e4m3(std::uint8_t code);
std::uint8_t to_e4m3(float value);  // saturates at 448

}  // namespace nestor::quant
