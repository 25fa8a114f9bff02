// Products of codes that sum over the rows of a matrix of tiles.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>

#include "kernels/ops.h"
#include "kernels/registry.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "rounding_unit.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"
#include "support/tiles.h"

namespace nestor::kernels {
namespace {

using testing::random_floats;
using testing::Tiles;

class Transposed : public ::testing::TestWithParam<std::string> {
 protected:
  const OpTable& ops = select_set(GetParam(), cpu_info());
};

// What rounding x * scale of its row to eight bits can change in sum_k x[k] w[k, n]: half a step of every 64
// rows of the whole matrix, times the codes of column n.
double transposed_rounding_bound(std::span<const float> x, const MatrixView& w, std::int64_t n) {
  const auto scale_of = [&](std::int64_t k) {  // of the block of column n: a value by its code
    const std::int64_t grid = w.first_row + k;
    const std::uint8_t* tile =
        w.data + grid / quant::kBandRows * w.row_bytes + n / quant::kTileDepth * quant::tile_bytes(w.format);
    std::uint16_t bits = 0;
    std::memcpy(&bits, tile + 2 * (grid % quant::kBandRows), sizeof bits);
    return static_cast<double>(quant::from_bf16(bits));
  };
  double bound = 0;
  for (std::int64_t k = 0; k < w.rows;) {
    double largest = 0;
    double codes = 0;
    const std::int64_t block = (w.first_row + k) / quant::kTileDepth;
    for (; k < w.rows && (w.first_row + k) / quant::kTileDepth == block; ++k) {
      const double scale = scale_of(k);
      largest = std::max(largest, std::fabs(static_cast<double>(x[static_cast<std::size_t>(k)]) * scale));
      if (scale != 0) codes += std::fabs(static_cast<double>(quant::element(w, k, n)) / scale);
    }
    bound += largest / 127 * (0.5 + 256 * kUnit) * codes;
  }
  return bound;
}

TEST_P(Transposed, AProductIsWithinTheRoundingOfItsActivations) {
  for (const Format format : {Format::q8, Format::q4}) {
    for (const std::int64_t depth : {1, 16, 63, 65, 150}) {
      for (const std::int64_t columns : {1, 8, 50, 65, 135}) {
        const Tiles whole(format, random_floats((depth + 90) * columns, 11), depth + 90, columns);
        for (const std::int64_t first : {0, 5, 80}) {
          const MatrixView w = quant::row_slice(whole.view, first, depth);
          for (const std::int64_t rows : {1, 3, 5}) {
            const auto x = random_floats(rows * depth, 12);
            const auto start = random_floats(rows * columns, 13);
            auto y = start;
            ops.matmul_transposed({x.data(), depth, rows, &w, 1, y.data(), columns, Sums::onto_y}, 0,
                                  columns);
            for (std::int64_t t = 0; t < rows; ++t) {
              const auto row =
                  std::span(x).subspan(static_cast<std::size_t>(t * depth), static_cast<std::size_t>(depth));
              for (std::int64_t n = 0; n < columns; ++n) {
                const auto at = static_cast<std::size_t>(t * columns + n);
                double exact = start[at];
                double size = std::fabs(exact);
                for (std::int64_t k = 0; k < depth; ++k) {
                  const double product = static_cast<double>(row[static_cast<std::size_t>(k)]) *
                                         static_cast<double>(quant::element(w, k, n));
                  exact += product;
                  size += std::fabs(product);
                }
                const double rounding =
                    ops.matmul_coded == nullptr ? 0 : transposed_rounding_bound(row, w, n);
                const double bound = rounding + static_cast<double>(depth + 8) * kUnit * (size + rounding);
                ASSERT_LE(std::fabs(y[at] - exact), bound)
                    << quant::name_of(format) << " K " << depth << " from " << first << " N " << columns
                    << " T " << rows;
              }
            }
          }
        }
      }
    }
  }
}

// Rows of a band that the view does not have may hold anything, as records of the latent cache do that are
// not there yet.
TEST_P(Transposed, WhatLiesBeyondTheRowsDoesNotMatter) {
  const std::int64_t columns = 100;
  Tiles w(Format::q8, random_floats(64 * columns, 14), 64, columns);
  const auto x = random_floats(3 * 64, 15);
  for (const std::int64_t depth : {1, 15, 17, 40}) {
    std::vector<float> clean(static_cast<std::size_t>(3 * columns));
    const MatrixView view = quant::row_slice(w.view, 0, depth);
    ops.matmul_transposed({x.data(), 64, 3, &view, 1, clean.data(), columns, Sums::fresh}, 0, columns);
    const auto before = w.bytes;
    for (std::int64_t row = depth; row < 64; ++row) {
      for (std::int64_t block = 0; block < 2; ++block) {
        std::uint8_t* tile = w.bytes.data() + row / 16 * view.row_bytes + block * quant::kTileBytesQ8;
        const std::uint16_t nan = 0x7FC0;
        std::memcpy(tile + 2 * (row % 16), &nan, sizeof nan);
        for (std::int64_t k = 0; k < quant::kTileDepth; ++k)
          tile[quant::kTileScaleBytes + k / 4 * 64 + row % 16 * 4 + k % 4] = 0x80;
      }
    }
    std::vector<float> dirty(static_cast<std::size_t>(3 * columns));
    ops.matmul_transposed({x.data(), 64, 3, &view, 1, dirty.data(), columns, Sums::fresh}, 0, columns);
    EXPECT_EQ(clean, dirty) << depth;
    w.bytes = before;
  }
}

TEST_P(Transposed, FreshSumsAreThoseOntoZero) {
  for (const Format format : {Format::q8, Format::q4}) {
    for (const std::int64_t depth : {1, 64, 150}) {
      for (const std::int64_t columns : {1, 50, 64, 200}) {
        const Tiles w(format, random_floats(depth * columns, 18), depth, columns);
        const auto x = random_floats(5 * depth, 19);
        std::vector<float> fresh(static_cast<std::size_t>(5 * columns), std::nanf(""));
        std::vector<float> onto(static_cast<std::size_t>(5 * columns), 0.0F);
        ops.matmul_transposed({x.data(), depth, 5, &w.view, 1, fresh.data(), columns, Sums::fresh}, 0,
                              columns);
        ops.matmul_transposed({x.data(), depth, 5, &w.view, 1, onto.data(), columns, Sums::onto_y}, 0,
                              columns);
        ASSERT_EQ(fresh, onto) << quant::name_of(format) << " K " << depth << " N " << columns;
      }
    }
  }
}

// Pages of the latent cache: more than are turned at once, the first from its middle on, the last cut short.
TEST_P(Transposed, MatricesBelowEachOtherAreTheBitsOfOneAfterTheOther) {
  const std::int64_t columns = 150;
  for (const Format format : {Format::f32, Format::q8, Format::q4}) {
    const bool tiled = quant::is_tiled(format);
    std::vector<Tiles> pages;
    std::vector<std::vector<float>> floats;
    std::vector<MatrixView> matrices;
    for (const std::int64_t rows : {40, 64, 128, 64, 64, 64, 64, 23}) {
      floats.push_back(random_floats(128 * columns, 30 + matrices.size()));
      pages.emplace_back(tiled ? format : Format::q8, floats.back(), 128, columns);
      const MatrixView plain = quant::matrix_view(reinterpret_cast<const std::uint8_t*>(floats.back().data()),
                                                  format, 128, columns);
      matrices.push_back(
          quant::row_slice(tiled ? pages.back().view : plain, matrices.empty() ? 24 : 0, rows));
    }
    std::int64_t depth = 0;
    for (const MatrixView& m : matrices) depth += m.rows;
    for (const std::int64_t rows : {1, 5, 18}) {
      const auto x = random_floats(rows * depth, 31);
      std::vector<float> together(static_cast<std::size_t>(rows * columns), 0.25F);
      auto apart = together;
      ops.matmul_transposed({x.data(), depth, rows, matrices.data(), std::ssize(matrices), together.data(),
                             columns, Sums::onto_y},
                            0, columns);
      std::int64_t first = 0;
      for (const MatrixView& m : matrices) {
        ops.matmul_transposed({x.data() + first, depth, rows, &m, 1, apart.data(), columns, Sums::onto_y}, 0,
                              columns);
        first += m.rows;
      }
      ASSERT_EQ(together, apart) << quant::name_of(format) << " T " << rows;
    }
  }
}

TEST(TransposedSets, AreTheSameBitsInAllSetsAndAnyBatch) {
  for (const Format format : {Format::q8, Format::q4}) {
    const std::int64_t depth = 200;
    const std::int64_t columns = 261;
    const std::int64_t rows = 150;
    const Tiles whole(format, random_floats((depth + 7) * columns, 16), depth + 7, columns);
    const MatrixView w = quant::row_slice(whole.view, 7, depth);
    const auto x = random_floats(rows * depth, 17);
    std::vector<float> first;
    for (const auto name : runnable_sets(cpu_info())) {
      const OpTable& ops = select_set(name, cpu_info());
      if (ops.matmul_coded == nullptr) continue;
      std::vector<float> together(static_cast<std::size_t>(rows * columns), 0.5F);
      ops.matmul_transposed({x.data(), depth, rows, &w, 1, together.data(), columns, Sums::onto_y}, 0,
                            columns);
      std::vector<float> apart(static_cast<std::size_t>(rows * columns), 0.5F);
      for (std::int64_t t = 0; t < rows; ++t) {
        for (std::int64_t n = 0; n < columns; n += 128) {
          ops.matmul_transposed(
              {x.data() + t * depth, depth, 1, &w, 1, apart.data() + t * columns, columns, Sums::onto_y}, n,
              std::min(n + 128, columns));
        }
      }
      ASSERT_EQ(together, apart) << name;
      if (first.empty()) first = together;
      ASSERT_EQ(together, first) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, Transposed, ::testing::ValuesIn(testing::kernel_sets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::kernels
