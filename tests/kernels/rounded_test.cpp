// Products of bfloat16 matrices with activations rounded to bfloat16: the rounding by itself, the sums, and
// what may not change a bit.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/experts.h"
#include "kernels/ops.h"
#include "kernels/registry.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "rounding_unit.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"

namespace nestor::kernels {
namespace {

using testing::random_floats;

struct RoundedWeights {
  std::vector<std::uint16_t> bits;
  MatrixView view;

  RoundedWeights(std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    for (const float x : random_floats(rows * cols, stream)) bits.push_back(quant::to_bf16(x));
    view = quant::matrix_view(bits.data(), Format::bf16, rows, cols);
  }
};

class Rounded : public ::testing::TestWithParam<std::string> {
 protected:
  Team team{2};
  Arena arena;
  Work work;
  Context ctx{select_set(GetParam(), cpu_info()), team, arena, work};

  std::vector<float> product(std::span<const float> x, std::int64_t rows, const MatrixView& w) {
    const Arena::Scope scope(arena);
    std::vector<float> y(static_cast<std::size_t>(rows * w.rows), -1.0F);
    matmul(ctx, {const_cast<float*>(x.data()), w.cols}, rows, w, {y.data(), w.rows});
    return y;
  }
};

TEST_P(Rounded, ToNearestAndTiesToEven) {
  const std::int64_t rows = 3, cols = 37;
  std::vector<float> x = random_floats(rows * cols, 3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::ldexp(x[i], static_cast<int>(i % 160) - 80);
  x[0] = 1 + std::ldexp(1.0F, -8);  // between two: the even one
  x[1] = 1 + std::ldexp(3.0F, -8);
  x[2] = -(1 + std::ldexp(1.0F, -8) + std::ldexp(1.0F, -23));
  x[3] = -0.0F;
  x[4] = std::numeric_limits<float>::max();
  x[5] = std::numeric_limits<float>::denorm_min();
  x[6] = std::numeric_limits<float>::quiet_NaN();
  constexpr std::int64_t kStride = 64, kColumn = 5;
  constexpr std::uint16_t kUntouched = 0xABCD;
  std::vector<std::uint16_t> to(static_cast<std::size_t>(rows * kStride), kUntouched);
  constexpr std::array<std::int32_t, 3> kFrom = {2, 0, 0};
  ctx.ops.round_rows({x.data(), cols, kFrom.data(), cols, {to.data(), kStride}, kColumn}, 0, rows);
  for (std::int64_t t = 0; t < rows; ++t) {
    for (std::int64_t k = 0; k < kStride; ++k) {
      const std::uint16_t found = to[static_cast<std::size_t>(t * kStride + k)];
      if (k < kColumn || k >= kColumn + cols) {
        ASSERT_EQ(found, kUntouched) << t << ", " << k;
        continue;
      }
      const float value =
          x[static_cast<std::size_t>(kFrom[static_cast<std::size_t>(t)] * cols + k - kColumn)];
      if (std::isnan(value)) {
        ASSERT_TRUE(std::isnan(quant::from_bf16(found)));
      } else {
        const float least = std::numeric_limits<float>::min();
        const float counted = std::fabs(value) < least ? std::copysign(0.0F, value) : value;
        ASSERT_EQ(found, quant::to_bf16(counted)) << value;
      }
    }
  }
}

TEST_P(Rounded, ProductsAreSumsOverRoundedNumbers) {
  for (const std::int64_t cols : {1, 2, 31, 32, 33, 95, 1000, 2047, 2048, 3077}) {
    for (const std::int64_t rows : {1, 3, 4, 9, 19}) {
      const RoundedWeights w(21, cols, 5);
      const std::vector<float> x = random_floats(rows * cols, 7);
      const std::vector<float> y = product(x, rows, w.view);
      for (std::int64_t i = 0; i < rows * w.view.rows; ++i) {
        double sum = 0, size = 0;
        for (std::int64_t k = 0; k < cols; ++k) {
          const auto bits = w.bits[static_cast<std::size_t>(i % w.view.rows * cols + k)];
          const double term =
              static_cast<double>(quant::from_bf16(bits)) *
              quant::from_bf16(quant::to_bf16(x[static_cast<std::size_t>(i / w.view.rows * cols + k)]));
          sum += term;
          size += std::fabs(term);
        }
        // Products of two bfloat16 are exact; a lane adds two for each step of 32 columns, four more add
        // lanes.
        const double additions = 2.0 * static_cast<double>((cols + 31) / 32) + 4;
        ASSERT_NEAR(y[static_cast<std::size_t>(i)], sum, additions * kUnit * size) << cols << ", " << rows;
      }
    }
  }
}

TEST_P(Rounded, NeitherOtherRowsNorPiecesChangeABit) {
  for (const std::int64_t cols : {33, 500, 2080, 4099}) {
    for (const std::int64_t n : {1, 5, 16, 35}) {
      const std::int64_t rows = 133;
      const RoundedWeights w(n, cols, 11);
      const std::vector<float> x = random_floats(rows * cols, 13);
      const std::vector<float> together = product(x, rows, w.view);
      for (const std::int64_t some : {1, 2, 3, 4, 6, 17}) {
        for (const std::int64_t first : {std::int64_t{0}, rows - some}) {
          const auto alone =
              product(std::span(x).subspan(static_cast<std::size_t>(first * cols)), some, w.view);
          ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + first * n))
              << cols << ", " << n << ", rows " << some;
        }
      }
      const Arena::Scope scope(arena);
      const Input in = input_of(ctx, {const_cast<float*>(x.data()), cols}, rows, cols, {.rounded = true});
      for (const std::int64_t piece : {1, 3, 16}) {
        std::vector<float> cut(together.size());
        for (std::int64_t at = 0; at < n; at += piece)
          multiply_rows(ctx, in, w.view, {cut.data(), n}, at, std::min(at + piece, n));
        ASSERT_EQ(cut, together) << cols << ", " << n << ", pieces of " << piece;
      }
    }
  }
}

TEST_P(Rounded, WhatIsNotFiniteStaysInItsRow) {
  const std::int64_t rows = 18, cols = 2064, n = 20;
  const RoundedWeights w(n, cols, 17);
  std::vector<float> x = random_floats(rows * cols, 19);
  const std::vector<float> clean = product(x, rows, w.view);
  x[3 * cols + 9] = std::numeric_limits<float>::infinity();
  x[17 * cols + 2060] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = product(x, rows, w.view);
  for (std::int64_t i = 0; i < rows * n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i / n == 3 || i / n == 17) {
      EXPECT_FALSE(std::isfinite(y[at]));
    } else {
      ASSERT_EQ(y[at], clean[at]);
    }
  }
}

// Other formats are multiplied as the exact set of that processor does.
TEST_P(Rounded, OnlyBfloat16IsMultipliedSo) {
  const OpTable& exact = select_set("auto", cpu_info());
  for (const Format format : {Format::f32, Format::f16}) {
    const RoundedWeights halves(9, 48, 3);
    const std::vector<float> floats = random_floats(9 * 48, 23);
    const MatrixView w = format == Format::f32 ? quant::matrix_view(floats.data(), format, 9, 48)
                                               : quant::matrix_view(halves.bits.data(), format, 9, 48);
    const std::vector<float> x = random_floats(5 * 48, 29);
    std::vector<float> expected(5 * 9);
    const Context other{exact, team, arena, work};
    matmul(other, {const_cast<float*>(x.data()), 48}, 5, w, {expected.data(), 9});
    EXPECT_EQ(product(x, 5, w), expected);
  }
  EXPECT_EQ(work.rounded_products, 0);
  EXPECT_GT(work.float_products, 0);
}

TEST_P(Rounded, ExpertsOfManyRowsAreThoseOfEach) {
  constexpr std::int64_t kHidden = 72, kInner = 160, kRows = 19, kExperts = 2;
  std::vector<RoundedWeights> matrices;
  for (std::uint64_t e = 0; e < kExperts; ++e) {
    matrices.emplace_back(kInner, kHidden, 23 + 3 * e);
    matrices.emplace_back(kInner, kHidden, 24 + 3 * e);
    matrices.emplace_back(kHidden, kInner, 25 + 3 * e);
  }
  std::vector<FeedForwardWeights> experts;
  for (std::size_t e = 0; e < kExperts; ++e)
    experts.push_back({matrices[3 * e].view, matrices[3 * e + 1].view, matrices[3 * e + 2].view});
  const Forms forms = forms_of(ctx, std::array{&experts[0].gate, &experts[0].up});
  ASSERT_TRUE(forms.rounded);
  ASSERT_FALSE(forms.floats);
  const std::vector<float> x = random_floats(kRows * kHidden, 29);
  std::vector<std::int32_t> picked;
  for (std::int64_t t = 0; t < kRows; ++t) picked.push_back(static_cast<std::int32_t>(t % 3 % 2));
  const std::vector<float> weights(kRows, 0.01F);
  const auto mixed = [&](std::int64_t first, std::int64_t rows) {
    const Arena::Scope scope(arena);
    const std::span picks =
        std::span(picked).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    const Routing routing{1, picks, std::span(weights).first(picks.size()), {}};
    std::vector<float> y(static_cast<std::size_t>(rows * kHidden));
    const Rows own{const_cast<float*>(x.data()) + first * kHidden, kHidden};
    mix_experts(ctx, experts, routing, input_of(ctx, own, rows, kHidden, forms), kHidden,
                {y.data(), kHidden});
    return y;
  };
  const std::vector<float> together = mixed(0, kRows);
  for (std::int64_t t = 0; t < kRows; ++t) {
    const std::vector<float> alone = mixed(t, 1);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + t * kHidden)) << t;
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Rounded);
INSTANTIATE_TEST_SUITE_P(Sets, Rounded, ::testing::ValuesIn(testing::rounding_sets()),
                         [](const auto& set) { return set.param; });

}  // namespace
}  // namespace nestor::kernels
