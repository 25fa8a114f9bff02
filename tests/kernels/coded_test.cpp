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
#include "random_floats.h"

namespace nestor::kernels {
namespace {

constexpr double kUnit = 0x1p-24;

struct Tiles {
  std::vector<std::uint8_t> bytes;
  MatrixView view;

  Tiles(Format format, const std::vector<float>& values, std::int64_t rows, std::int64_t cols) {
    const auto shape = quant::tiled_shape(format, rows, cols);
    bytes.resize(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]));
    for (std::int64_t b = 0; b < shape[0]; ++b) {
      const std::int64_t first = b * quant::kBandRows;
      quant::encode_band(format, values.data() + first * cols, std::min(quant::kBandRows, rows - first), cols,
                         {}, quant::ScaleRule::absmax, bytes.data() + b * shape[1] * shape[2]);
    }
    view = quant::matrix_view(bytes.data(), format, rows, cols);
  }
};

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

TEST_P(Coded, ATransposedProductIsWithinTheRoundingOfItsActivations) {
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
            ctx.ops.matmul_transposed({x.data(), depth, rows, w, y.data(), columns, Sums::onto_y}, 0,
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
                    ctx.ops.matmul_coded == nullptr ? 0 : transposed_rounding_bound(row, w, n);
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
TEST_P(Coded, WhatLiesBeyondTheRowsDoesNotMatter) {
  const std::int64_t columns = 100;
  Tiles w(Format::q8, random_floats(64 * columns, 14), 64, columns);
  const auto x = random_floats(3 * 64, 15);
  for (const std::int64_t depth : {1, 15, 17, 40}) {
    std::vector<float> clean(static_cast<std::size_t>(3 * columns));
    const MatrixView view = quant::row_slice(w.view, 0, depth);
    ctx.ops.matmul_transposed({x.data(), 64, 3, view, clean.data(), columns, Sums::fresh}, 0, columns);
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
    ctx.ops.matmul_transposed({x.data(), 64, 3, view, dirty.data(), columns, Sums::fresh}, 0, columns);
    EXPECT_EQ(clean, dirty) << depth;
    w.bytes = before;
  }
}

TEST_P(Coded, FreshTransposedSumsAreThoseOntoZero) {
  for (const Format format : {Format::q8, Format::q4}) {
    for (const std::int64_t depth : {1, 64, 150}) {
      for (const std::int64_t columns : {1, 50, 64, 200}) {
        const Tiles w(format, random_floats(depth * columns, 18), depth, columns);
        const auto x = random_floats(5 * depth, 19);
        std::vector<float> fresh(static_cast<std::size_t>(5 * columns), std::nanf(""));
        std::vector<float> onto(static_cast<std::size_t>(5 * columns), 0.0F);
        ctx.ops.matmul_transposed({x.data(), depth, 5, w.view, fresh.data(), columns, Sums::fresh}, 0,
                                  columns);
        ctx.ops.matmul_transposed({x.data(), depth, 5, w.view, onto.data(), columns, Sums::onto_y}, 0,
                                  columns);
        ASSERT_EQ(fresh, onto) << quant::name_of(format) << " K " << depth << " N " << columns;
      }
    }
  }
}

TEST(CodedSets, TransposedProductsAreTheSameBitsInAllSetsAndAnyBatch) {
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
      ops.matmul_transposed({x.data(), depth, rows, w, together.data(), columns, Sums::onto_y}, 0, columns);
      std::vector<float> apart(static_cast<std::size_t>(rows * columns), 0.5F);
      for (std::int64_t t = 0; t < rows; ++t) {
        for (std::int64_t n = 0; n < columns; n += 128) {
          ops.matmul_transposed(
              {x.data() + t * depth, depth, 1, w, apart.data() + t * columns, columns, Sums::onto_y}, n,
              std::min(n + 128, columns));
        }
      }
      ASSERT_EQ(together, apart) << name;
      if (first.empty()) first = together;
      ASSERT_EQ(together, first) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, Coded, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto name : runnable_sets(cpu_info())) names.emplace_back(name);
                           return names;
                         }()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::kernels
