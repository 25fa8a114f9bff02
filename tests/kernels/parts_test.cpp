// Products of bfloat16 matrices with activations as three bfloat16: the parts by themselves, the sums, and
// what may not change a bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/experts.h"
#include "kernels/ops.h"
#include "kernels/registry.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "rounding_unit.h"
#include "support/random_floats.h"

namespace nestor::kernels {
namespace {

using testing::random_floats;

struct Halves {
  std::vector<std::uint16_t> bits;
  MatrixView view;

  Halves(std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    for (const float x : random_floats(rows * cols, stream)) bits.push_back(quant::to_bf16(x));
    view = quant::matrix_view(bits.data(), Format::bf16, rows, cols);
  }
};

class Parts : public ::testing::TestWithParam<std::string> {
 protected:
  Team team{2};
  Arena arena;
  Work work;
  Context ctx{select_set(GetParam(), cpu_info()), team, arena, work};

  Input split(const std::vector<float>& x, std::int64_t rows, std::int64_t cols) {
    Forms forms;
    forms.parts = true;
    return input_of(ctx, {const_cast<float*>(x.data()), cols}, rows, cols, forms);
  }
  std::vector<float> product(const std::vector<float>& x, std::int64_t rows, const MatrixView& w) {
    const Arena::Scope scope(arena);
    std::vector<float> y(static_cast<std::size_t>(rows * w.rows), -1.0F);
    ctx.ops.matmul_parts({*split(x, rows, w.cols).parts, w, y.data(), w.rows}, 0, w.rows);
    return y;
  }
};

TEST_P(Parts, AddUpToTheFloat) {
  const std::int64_t rows = 19, cols = 70;
  std::vector<float> x = random_floats(rows * cols, 3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::ldexp(x[i], static_cast<int>(i % 160) - 80);
  x[5] = -0.0F;
  x[6] = std::numeric_limits<float>::max();
  x[7] = -std::nextafter(1.0F, 2.0F);
  const SplitRows s = *split(x, rows, cols).parts;
  ASSERT_EQ(s.steps, 3);
  for (std::int64_t t = 0; t < rows; ++t) {
    const std::int64_t group = t / kRowGroup, of_group = std::min(kRowGroup, rows - group * kRowGroup);
    const std::uint16_t* at = s.parts + group * kRowGroup * s.steps * kSplitParts * kSplitDepth;
    for (std::int64_t k = 0; k < s.steps * kSplitDepth; ++k) {
      double sum = 0;
      for (std::int64_t p = 0; p < kSplitParts; ++p) {
        const std::int64_t step = k / kSplitDepth, pair = k % kSplitDepth / 2;
        const std::int64_t place = ((step * kSplitParts + p) * 16 + pair) * of_group + t % kRowGroup;
        sum += quant::from_bf16(at[2 * place + k % 2]);
      }
      const double expected = k < cols ? x[static_cast<std::size_t>(t * cols + k)] : 0;
      ASSERT_EQ(sum, expected) << t << " " << k;
    }
  }
}

// A product of parts is exact in float32, and a sum has three for each column, each addition rounded once.
TEST_P(Parts, AreMultipliedWithinTheRoundingOfTheirSums) {
  for (const std::int64_t rows : {1, 2, 5, 15, 16, 17, 33, 130}) {
    for (const std::int64_t cols : {1, 31, 32, 33, 64, 257, 544}) {
      for (const std::int64_t n : {1, 15, 16, 17, 33, 64, 65, 130, 200}) {
        const Halves w(n, cols, 5);
        const std::vector<float> x = random_floats(rows * cols, 7);
        const std::vector<float> y = product(x, rows, w.view);
        for (std::int64_t t = 0; t < rows; ++t) {
          for (std::int64_t i = 0; i<n; i += n> 20 && rows > 20 ? 7 : 1) {
            double sum = 0, magnitude = 0;
            for (std::int64_t k = 0; k < cols; ++k) {
              const double term = static_cast<double>(x[static_cast<std::size_t>(t * cols + k)]) *
                                  static_cast<double>(quant::element(w.view, i, k));
              sum += term;
              magnitude += std::fabs(term);
            }
            const double bound = 1.02 * static_cast<double>(3 * cols + 1) * kUnit * magnitude;
            ASSERT_NEAR(y[static_cast<std::size_t>(t * n + i)], sum, bound)
                << rows << " " << cols << " " << n;
          }
        }
      }
    }
  }
}

TEST_P(Parts, RowsTogetherAndColumnsInPiecesGiveTheSameBits) {
  for (const std::int64_t cols : {64, 96, 300}) {
    const std::int64_t rows = 37, n = 163;
    const Halves w(n, cols, 11);
    const std::vector<float> x = random_floats(rows * cols, 13);
    const std::vector<float> together = product(x, rows, w.view);
    for (std::int64_t t = 0; t < rows; ++t) {
      const std::vector<float> one(x.begin() + t * cols, x.begin() + (t + 1) * cols);
      const std::vector<float> alone = product(one, 1, w.view);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + t * n)) << t;
    }
    for (const std::int64_t piece : {1, 16, 48, 100}) {
      std::vector<float> cut(together.size());
      const Arena::Scope scope(arena);
      const Input in = split(x, rows, cols);
      for (std::int64_t at = 0; at < n; at += piece)
        ctx.ops.matmul_parts({*in.parts, w.view, cut.data(), n}, at, std::min(at + piece, n));
      ASSERT_EQ(cut, together) << piece;
    }
  }
}

TEST_P(Parts, WhatIsNotFiniteStaysInItsRow) {
  const std::int64_t rows = 18, cols = 64, n = 40;
  const Halves w(n, cols, 17);
  std::vector<float> x = random_floats(rows * cols, 19);
  const std::vector<float> clean = product(x, rows, w.view);
  x[3 * cols + 9] = std::numeric_limits<float>::infinity();
  x[17 * cols + 40] = std::numeric_limits<float>::quiet_NaN();
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

// Experts large enough for parts in their first products, and their rows one by one.
TEST_P(Parts, ExpertsOfManyRowsAreThoseOfEach) {
  constexpr std::int64_t kHidden = 1024, kInner = 544, kRows = 19, kExperts = 2;
  std::vector<Halves> matrices;
  for (std::uint64_t e = 0; e < kExperts; ++e) {
    matrices.emplace_back(kInner, kHidden, 23 + 3 * e);
    matrices.emplace_back(kInner, kHidden, 24 + 3 * e);
    matrices.emplace_back(kHidden, kInner, 25 + 3 * e);
  }
  std::vector<FeedForwardWeights> experts;
  for (std::size_t e = 0; e < kExperts; ++e)
    experts.push_back({matrices[3 * e].view, matrices[3 * e + 1].view, matrices[3 * e + 2].view});
  const Forms forms = forms_of(ctx, std::array{&experts[0].gate, &experts[0].up});
  ASSERT_TRUE(forms.parts);
  ASSERT_TRUE(forms_of(ctx, std::array{&experts[0].down}).floats);
  std::vector<float> x = random_floats(kRows * kHidden, 29);
  std::vector<std::int32_t> picked;
  for (std::int64_t t = 0; t < kRows; ++t) picked.push_back(static_cast<std::int32_t>(t % 3 % 2));
  const std::vector<float> weights(kRows, 0.01F);
  const auto mixed = [&](std::int64_t first, std::int64_t rows) {
    const Arena::Scope scope(arena);
    const std::span picks =
        std::span(picked).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    const Routing routing{1, picks, std::span(weights).first(picks.size()), {}};
    std::vector<float> y(static_cast<std::size_t>(rows * kHidden));
    mix_experts(ctx, experts, routing,
                input_of(ctx, {x.data() + first * kHidden, kHidden}, rows, kHidden, forms), kHidden,
                {y.data(), kHidden});
    return y;
  };
  const std::vector<float> together = mixed(0, kRows);
  for (std::int64_t t = 0; t < kRows; ++t) {
    const std::vector<float> alone = mixed(t, 1);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + t * kHidden)) << t;
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Parts);
INSTANTIATE_TEST_SUITE_P(Sets, Parts, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto name : runnable_sets(cpu_info())) {
                             if (select_set(name, cpu_info()).matmul_parts != nullptr)
                               names.emplace_back(name);
                           }
                           return names;
                         }()),
                         [](const auto& set) { return set.param; });

}  // namespace
}  // namespace nestor::kernels
