#include "quant/number.h"

#include <bit>
#include <cmath>

namespace nestor::quant {

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);  // stays a NaN after the cut
  return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float from_f16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  float magnitude = 0;
  if (exponent == 31) {
    magnitude = mantissa == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::uint16_t to_f16(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return sign | 0x7E00;
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0F)
    return sign | 0x7C00;      // halfway between 65504 and the next, which would be infinity
  if (magnitude < 0x1p-14F) {  // subnormal: multiples of 2^-24
    return sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(magnitude, 24)));
  }
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude in [2^(exponent-1), 2^exponent)
  const float steps = std::nearbyint(std::ldexp(magnitude, 11 - exponent));  // 1024..2048; 2048 carries over
  return sign | static_cast<std::uint16_t>(((exponent + 13) << 10) + static_cast<int>(steps));
}

float from_e4m3(std::uint8_t code) {
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  float magnitude = 0;
  if ((code & 127) == 127) {
    magnitude = NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -9);
  } else {
    magnitude = std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  }
  return (code & 128) != 0 ? -magnitude : magnitude;
}

std::uint8_t to_e4m3(float value) {
  const auto sign = static_cast<std::uint8_t>(std::signbit(value) ? 128 : 0);
  if (std::isnan(value)) return sign | 127;
  const float magnitude = std::fabs(value);
  if (magnitude >= 448.0F) return sign | 126;
  if (magnitude < 0x1p-6F) {  // subnormal: multiples of 2^-9
    return sign | static_cast<std::uint8_t>(std::nearbyint(std::ldexp(magnitude, 9)));
  }
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const float steps = std::nearbyint(std::ldexp(magnitude, 4 - exponent));  // 8..16; 16 carries over
  const int code = ((exponent + 5) << 3) + static_cast<int>(steps);
  return sign | static_cast<std::uint8_t>(code > 126 ? 126 : code);
}

}  // namespace nestor::quant
