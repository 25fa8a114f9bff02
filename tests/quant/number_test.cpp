// The scalar meaning of each storage type, enumerated.
#include "quant/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/random.h"
#include "quant/matrix.h"

namespace nestor::quant {
namespace {

// The definition of a small float by its fields, in double precision.
double decoded(int code, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = code & ((1 << mantissa_bits) - 1);
  const double sign = ((code >> (exponent_bits + mantissa_bits)) & 1) != 0 ? -1.0 : 1.0;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
}

TEST(Number, EveryE4m3CodeHasItsValueAndComesBack) {
  for (int code = 0; code < 256; ++code) {
    const float value = from_e4m3(static_cast<std::uint8_t>(code));
    if ((code & 127) == 127) {
      EXPECT_TRUE(std::isnan(value));
      continue;
    }
    EXPECT_EQ(value, decoded(code, 4, 3)) << code;
    EXPECT_EQ(to_e4m3(value), code);
  }
  EXPECT_EQ(from_e4m3(0x7E), 448.0F);
}

TEST(Number, EveryF16PatternHasItsValueAndComesBack) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = from_f16(static_cast<std::uint16_t>(bits));
    if ((bits & 0x7C00) == 0x7C00) {
      EXPECT_EQ(std::isinf(value), (bits & 0x3FF) == 0);
      continue;
    }
    ASSERT_EQ(value, decoded(bits, 5, 10)) << bits;
    ASSERT_EQ(to_f16(value), bits);
  }
}

TEST(Number, EveryBf16PatternComesBack) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = from_bf16(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(value), static_cast<std::uint32_t>(bits) << 16);
    if (!std::isnan(value)) {
      ASSERT_EQ(to_bf16(value), bits);
    }
  }
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(0x7F800001U)))));
}

// Rounding goes to the nearest of the two neighbours, to the even one at a tie.
template <typename Decode, typename Encode>
void check_rounding(Decode decode, Encode encode, int largest_code) {
  for (int code = 0; code < largest_code; ++code) {
    const double low = decode(code);
    const double high = decode(code + 1);
    const auto middle = static_cast<float>((low + high) / 2);  // exact: one more bit than the format has
    EXPECT_EQ(encode(middle), code % 2 == 0 ? code : code + 1) << code;
    EXPECT_EQ(encode(std::nextafterf(middle, 0.0F)), code);
    EXPECT_EQ(encode(std::nextafterf(middle, INFINITY)), code + 1);
  }
}

TEST(Number, RoundsToNearestTiesToEven) {
  check_rounding([](int c) { return from_e4m3(static_cast<std::uint8_t>(c)); },
                 [](float x) { return to_e4m3(x); }, 0x7E);
  check_rounding([](int c) { return from_f16(static_cast<std::uint16_t>(c)); },
                 [](float x) { return to_f16(x); }, 0x7BFF);
  check_rounding([](int c) { return from_bf16(static_cast<std::uint16_t>(c)); },
                 [](float x) { return to_bf16(x); }, 0x7F7F);
  EXPECT_EQ(to_e4m3(1e9F), 0x7E);
  EXPECT_EQ(to_f16(65519.99F), 0x7BFF);
  EXPECT_EQ(to_f16(65520.0F), 0x7C00);
}

TEST(Matrix, ASliceKeepsTheBlockGridOfTheWhole) {
  std::vector<std::uint8_t> codes(300 * 130, 0x38);      // 1.0
  const std::vector<float> scales = {1, 2, 3, 4, 5, 6};  // 3 x 2 blocks, the last ones partial
  const MatrixView whole = matrix_view(codes.data(), Format::f8_block, 300, 130, scales.data());
  EXPECT_EQ(element(whole, 127, 127), 1);
  EXPECT_EQ(element(whole, 127, 128), 2);
  EXPECT_EQ(element(whole, 299, 129), 6);
  const MatrixView slice = row_slice(row_slice(whole, 100, 200), 27, 2);  // rows 127 and 128
  EXPECT_EQ(element(slice, 0, 0), 1);
  EXPECT_EQ(element(slice, 1, 129), 4);
}

}  // namespace
}  // namespace nestor::quant
