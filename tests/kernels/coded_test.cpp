// Products of tiles with activations of eight bits: the codes by themselves, the exact sums over codes, and
// the whole against float32 activations.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "kernels/ops.h"
#include "kernels/registry.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"
#include "rounding_unit.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"
#include "support/tiles.h"

namespace nestor::kernels {
namespace {

using testing::random_floats;
using testing::Tiles;

// What rounding x to eight bits can change: half a step of every block, times the weights of the block.
double rounding_bound(std::span<const float> x, const MatrixView& w, std::int64_t n) {
  double bound = 0;
  for (std::int64_t first = 0; first < w.cols; first += quant::kTileDepth) {
    double largest = 0;
    double weights = 0;
    for (std::int64_t k = first; k < std::min(first + quant::kTileDepth, w.cols); ++k) {
      largest = std::max(largest, std::fabs(static_cast<double>(x[static_cast<std::size_t>(k)])));
      weights += std::fabs(static_cast<double>(quant::element(w, n, k)));
    }
    // Codes are rounded after a product that is itself off by 127 * 2 u.
    bound += largest / 127 * (0.5 + 254 * kUnit) * weights;
  }
  return bound;
}

class Coded : public ::testing::TestWithParam<std::string> {
 protected:
  Team team{2};
  Arena arena;
  Work work;
  Context ctx{select_set(GetParam(), cpu_info()), team, arena, work};
};

TEST_P(Coded, AProductIsWithinTheRoundingOfItsActivations) {
  for (const Format format : {Format::q8, Format::q4}) {
    for (const std::int64_t depth : {1, 33, 63, 64, 65, 200, 256}) {
      for (const std::int64_t columns : {1, 7, 8, 16, 17, 50}) {
        const Tiles w(format, random_floats(columns * depth, 1), columns, depth);
        for (const std::int64_t rows : {1, 2, 3, 5, 9}) {
          auto x = random_floats(rows * depth, 2);
          std::vector<float> y(static_cast<std::size_t>(rows * columns));
          matmul(ctx, {x.data(), depth}, rows, w.view, {y.data(), columns});
          for (std::int64_t t = 0; t < rows; ++t) {
            const auto row =
                std::span(x).subspan(static_cast<std::size_t>(t * depth), static_cast<std::size_t>(depth));
            for (std::int64_t n = 0; n < columns; ++n) {
              double exact = 0;
              double size = 0;
              for (std::int64_t k = 0; k < depth; ++k) {
                const double product = static_cast<double>(row[static_cast<std::size_t>(k)]) *
                                       static_cast<double>(quant::element(w.view, n, k));
                exact += product;
                size += std::fabs(product);
              }
              const double bound =
                  (ctx.ops.matmul_coded == nullptr ? 0 : rounding_bound(row, w.view, n)) +
                  static_cast<double>(depth + 8) * kUnit * (size + rounding_bound(row, w.view, n));
              ASSERT_LE(std::fabs(y[static_cast<std::size_t>(t * columns + n)] - exact), bound)
                  << quant::name_of(format) << " K " << depth << " N " << columns << " T " << rows;
            }
          }
        }
      }
    }
  }
}

// Activations that are codes already, with the outermost in every block: nothing is rounded, integer sums are
// as large as they can be, and what is left is the order of blocks.
TEST_P(Coded, OutermostCodesDoNotOverflow) {
  for (const Format format : {Format::q8, Format::q4}) {
    const std::int64_t depth = 192;
    const std::int64_t columns = 16;
    std::vector<float> values(columns * depth);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool positive = i / depth % 2 == 0;
      values[i] = format == Format::q8 ? (positive ? 127.0F : -127.0F) : (positive ? 7.0F : -8.0F);
    }
    for (std::int64_t n = 0; n < columns; n += 2)
      values[static_cast<std::size_t>(n * depth)] = format == Format::q8 ? 127 : -8;
    const Tiles w(format, values, columns, depth);
    std::vector<float> x(2 * depth, 127.0F);
    std::fill(x.begin() + depth, x.end(), -127.0F);
    std::vector<float> y(2 * columns);
    matmul(ctx, {x.data(), depth}, 2, w.view, {y.data(), columns});
    for (std::int64_t n = 0; n < columns; ++n) {
      double exact = 0;
      for (std::int64_t k = 0; k < depth; ++k)
        exact += 127.0 * static_cast<double>(quant::element(w.view, n, k));
      EXPECT_NEAR(y[static_cast<std::size_t>(n)], exact, 16 * kUnit * std::fabs(exact)) << n;
      EXPECT_NEAR(y[static_cast<std::size_t>(columns + n)], -exact, 16 * kUnit * std::fabs(exact)) << n;
    }
  }
}

TEST_P(Coded, ARowIsTheSameBitsInAnyBatch) {
  for (const Format format : {Format::q8, Format::q4}) {
    const std::int64_t depth = 200;
    const std::int64_t columns = 75;
    const std::int64_t rows = 39;
    const Tiles w(format, random_floats(columns * depth, 3), columns, depth);
    auto x = random_floats(rows * depth, 4);
    std::vector<float> together(rows * columns);
    std::vector<float> apart(rows * columns);
    matmul(ctx, {x.data(), depth}, rows, w.view, {together.data(), columns});
    for (std::int64_t t = 0; t < rows; ++t) {
      matmul(ctx, {x.data() + t * depth, depth}, 1, w.view, {apart.data() + t * columns, columns});
    }
    EXPECT_EQ(together, apart);
  }
}

TEST_P(Coded, ZerosAreZerosAndWhatIsNotFiniteShows) {
  const std::int64_t depth = 64;
  const Tiles w(Format::q4, random_floats(16 * depth, 5), 16, depth);
  std::vector<float> x(static_cast<std::size_t>(depth));
  std::vector<float> y(16, 1.0F);
  matmul(ctx, {x.data(), depth}, 1, w.view, {y.data(), 16});
  for (const float v : y) EXPECT_EQ(v, 0.0F);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    x[40] = bad;
    matmul(ctx, {x.data(), depth}, 1, w.view, {y.data(), 16});
    for (const float v : y) EXPECT_FALSE(std::isfinite(v));
  }
}

// Rows are rounded to codes sixteen at a time.
TEST_P(Coded, WhatIsNotFiniteStaysInItsRow) {
  const std::int64_t depth = 130;
  const std::int64_t rows = 37;
  const Tiles w(Format::q8, random_floats(16 * depth, 20), 16, depth);
  auto x = random_floats(rows * depth, 21);
  std::vector<float> clean(rows * 16);
  matmul(ctx, {x.data(), depth}, rows, w.view, {clean.data(), 16});
  x[5 * depth + 70] = std::numeric_limits<float>::infinity();
  x[18 * depth + 129] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(rows * 16);
  matmul(ctx, {x.data(), depth}, rows, w.view, {y.data(), 16});
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (i / 16 == 5 || i / 16 == 18) {
      EXPECT_FALSE(std::isfinite(y[i])) << i;
    } else {
      EXPECT_EQ(y[i], clean[i]) << i;
    }
  }
}

// What one set of kernels gives for a product; empty if it has no bodies for codes.
std::vector<float> product_by(const OpTable& ops, const std::vector<float>& x, std::int64_t rows,
                              const MatrixView& w) {
  if (ops.matmul_coded == nullptr) return {};
  Team team(2);
  Arena arena;
  Work work;
  std::vector<float> y(static_cast<std::size_t>(rows * w.rows), 77.0F);
  auto input = x;
  matmul({ops, team, arena, work}, {input.data(), w.cols}, rows, w, {y.data(), w.rows});
  return y;
}

// Passes take from one to sixteen rows of a group.
TEST(CodedSets, AllGiveTheSameBits) {
  std::vector<std::int64_t> numbers_of_rows = {131, 143, 264, 279};
  for (std::int64_t rows = 1; rows <= 33; ++rows) numbers_of_rows.push_back(rows);
  for (const Format format : {Format::q8, Format::q4}) {
    for (const std::int64_t depth : {5, 64, 1055}) {
      for (const std::int64_t columns : {3, 64, 101}) {
        const Tiles w(format, random_floats(columns * depth, 6), columns, depth);
        for (const std::int64_t rows : numbers_of_rows) {
          const auto x = random_floats(rows * depth, 7);
          std::vector<float> first;
          for (const auto name : runnable_sets(cpu_info())) {
            const auto y = product_by(select_set(name, cpu_info()), x, rows, w.view);
            if (first.empty()) first = y;
            if (y.empty()) continue;
            ASSERT_EQ(y, first) << name << " K " << depth << " N " << columns << " T " << rows;
          }
        }
      }
    }
  }
}

// A slice that begins and ends inside a band, as the heads of kv_b do.
TEST_P(Coded, ASliceIsTheSameBitsAsTheWhole) {
  const std::int64_t depth = 192;
  const std::int64_t columns = 70;
  for (const Format format : {Format::q8, Format::q4}) {
    const Tiles w(format, random_floats(columns * depth, 8), columns, depth);
    for (const std::int64_t rows : {1, 4, 20}) {
      auto x = random_floats(rows * depth, 9);
      std::vector<float> whole(static_cast<std::size_t>(rows * columns));
      matmul(ctx, {x.data(), depth}, rows, w.view, {whole.data(), columns});
      for (const std::int64_t first : {0, 7, 24, 33}) {
        std::vector<float> part(static_cast<std::size_t>(rows * columns), 55.0F);
        matmul(ctx, {x.data(), depth}, rows, quant::row_slice(w.view, first, 37),
               {part.data() + first, columns});
        for (std::int64_t t = 0; t < rows; ++t) {
          for (std::int64_t n = 0; n < columns; ++n) {
            const auto at = static_cast<std::size_t>(t * columns + n);
            ASSERT_EQ(part[at], n >= first && n < first + 37 ? whole[at] : 55.0F)
                << t << " " << n << " " << first;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, Coded, ::testing::ValuesIn(testing::kernel_sets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::kernels
