// Every kernel set that this machine runs against exact sums in double precision, on awkward sizes, with
// guard zones.
//
// Tolerances. A float32 sum of K products in any order differs from the exact one by at most
// (K + 1) u sum|x w| / (1 - (K + 1) u) with u = 2^-24 (Higham, Accuracy and Stability of Numerical
// Algorithms, 3.1); for e4m3 the rounding of code * scale adds one u. exp is within 2 units in the last place
// of the vector sets by its polynomial's remainder (rows_body.h), so a quotient of sums of n exponentials is
// within (n + 8) u.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "kernels/ops.h"
#include "kernels/registry.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"
#include "rounding_unit.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"

namespace nestor::kernels {
namespace {

using testing::random_floats;

constexpr float kGuard = 12345.0F;
constexpr std::int64_t kGuardFloats = 32;

class Ops : public ::testing::TestWithParam<std::string> {
 protected:
  const OpTable& ops() { return select_set(GetParam(), cpu_info()); }
};

// A stored random matrix at an odd address.
struct Stored {
  std::vector<std::uint8_t> bytes;
  std::vector<float> scales;
  MatrixView view;

  Stored(Format format, std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    const auto values = random_floats(rows * cols, stream);
    if (quant::is_tiled(format)) {
      const auto shape = quant::tiled_shape(format, rows, cols);
      bytes.resize(static_cast<std::size_t>(shape[0] * shape[1] * shape[2] + 1));
      for (std::int64_t b = 0; b < shape[0]; ++b) {
        const std::int64_t first = b * quant::kBandRows;
        quant::encode_band(format, values.data() + first * cols, std::min(quant::kBandRows, rows - first),
                           cols, {}, quant::ScaleRule::absmax, bytes.data() + 1 + b * shape[1] * shape[2]);
      }
      view = quant::matrix_view(bytes.data() + 1, format, rows, cols);
      return;
    }
    const auto size = static_cast<std::size_t>(quant::element_bytes(format));
    bytes.resize(values.size() * size + 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::uint8_t* at = bytes.data() + 1 + i * size;
      const std::uint16_t half = format == Format::f16 ? quant::to_f16(values[i]) : quant::to_bf16(values[i]);
      if (format == Format::f32) std::memcpy(at, &values[i], 4);
      if (format == Format::f16 || format == Format::bf16) std::memcpy(at, &half, 2);
      if (format == Format::f8_block) *at = quant::to_e4m3(values[i] * 0.01F);  // many of them subnormal
    }
    const std::int64_t blocks = ((rows + 127) / 128) * ((cols + 127) / 128);
    for (std::int64_t i = 0; i < blocks; ++i) scales.push_back(1.0F + 0.37F * static_cast<float>(i));
    view = quant::matrix_view(bytes.data() + 1, format, rows, cols, scales.data());
  }
};

struct Guarded {
  std::vector<float> values;
  explicit Guarded(std::int64_t count) : values(static_cast<std::size_t>(count + 2 * kGuardFloats), kGuard) {}
  float* data() { return values.data() + kGuardFloats; }
  void expect_untouched() const {
    for (std::int64_t i = 0; i < kGuardFloats; ++i) {
      EXPECT_EQ(values[static_cast<std::size_t>(i)], kGuard);
      EXPECT_EQ(values[values.size() - 1 - static_cast<std::size_t>(i)], kGuard);
    }
  }
};

const std::vector<std::int64_t> kSizes = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 127, 128, 129, 200, 257};
const std::vector<Format> kFormats = {Format::f32,      Format::f16, Format::bf16,
                                      Format::f8_block, Format::q8,  Format::q4};

TEST_P(Ops, MatmulAgreesWithExactSumsOnAwkwardSizes) {
  for (const Format format : kFormats) {
    for (const std::int64_t depth : kSizes) {
      for (const std::int64_t columns :
           {std::int64_t{1}, std::int64_t{5}, std::int64_t{19}, std::int64_t{130}}) {
        const Stored w(format, columns, depth, 1);
        for (const std::int64_t rows : {1, 2, 3, 4, 5, 9}) {
          const auto x = random_floats(rows * depth, 2);
          Guarded y(rows * columns);
          ops().matmul({x.data(), depth, rows, w.view, y.data(), columns}, 0, columns);
          y.expect_untouched();
          for (std::int64_t t = 0; t < rows; ++t) {
            for (std::int64_t n = 0; n < columns; ++n) {
              double exact = 0;
              double size = 0;
              for (std::int64_t k = 0; k < depth; ++k) {
                const double product = static_cast<double>(x[static_cast<std::size_t>(t * depth + k)]) *
                                       static_cast<double>(quant::element(w.view, n, k));
                exact += product;
                size += std::fabs(product);
              }
              ASSERT_LE(std::fabs(y.data()[t * columns + n] - exact),
                        static_cast<double>(depth + 2) * kUnit * size)
                  << quant::name_of(format) << " K " << depth << " N " << columns << " T " << rows;
            }
          }
        }
      }
    }
  }
}

// Products of codes have a bound of their own: coded_test.cpp.
TEST_P(Ops, MatmulTransposedAgreesFreshAndOntoWhatIsThere) {
  for (const Format format : kFormats) {
    if (quant::is_tiled(format) && ops().matmul_coded != nullptr) continue;
    for (const std::int64_t columns : kSizes) {
      for (const std::int64_t depth : {std::int64_t{1}, std::int64_t{6}, std::int64_t{131}}) {
        const Stored w(format, depth, columns, 3);
        for (const std::int64_t rows : {1, 3, 4, 6}) {
          const auto x = random_floats(rows * depth, 4);
          const auto start = random_floats(rows * columns, 5);
          Guarded y(rows * columns);
          std::copy(start.begin(), start.end(), y.data());
          ops().matmul_transposed({x.data(), depth, rows, &w.view, 1, y.data(), columns, Sums::onto_y}, 0,
                                  columns);
          y.expect_untouched();
          for (std::int64_t t = 0; t < rows; ++t) {
            for (std::int64_t n = 0; n < columns; ++n) {
              double exact = start[static_cast<std::size_t>(t * columns + n)];
              double size = std::fabs(exact);
              for (std::int64_t k = 0; k < depth; ++k) {
                const double product = static_cast<double>(x[static_cast<std::size_t>(t * depth + k)]) *
                                       static_cast<double>(quant::element(w.view, k, n));
                exact += product;
                size += std::fabs(product);
              }
              ASSERT_LE(std::fabs(y.data()[t * columns + n] - exact),
                        static_cast<double>(depth + 3) * kUnit * size)
                  << quant::name_of(format) << " K " << depth << " N " << columns << " T " << rows;
            }
          }
          Guarded fresh(rows * columns);
          std::fill_n(fresh.data(), rows * columns, std::nanf(""));
          std::fill_n(y.data(), rows * columns, 0.0F);
          ops().matmul_transposed({x.data(), depth, rows, &w.view, 1, y.data(), columns, Sums::onto_y}, 0,
                                  columns);
          ops().matmul_transposed({x.data(), depth, rows, &w.view, 1, fresh.data(), columns, Sums::fresh}, 0,
                                  columns);
          ASSERT_EQ(fresh.values, y.values) << quant::name_of(format) << " K " << depth << " N " << columns;
        }
      }
    }
  }
}

TEST_P(Ops, AnOutputIsTheSameBitsInAnyBatchAndAnyRange) {
  for (const Format format : kFormats) {
    const std::int64_t depth = 201;
    const std::int64_t columns = 261;
    const std::int64_t rows = 11;
    const Stored w(format, columns, depth, 6);
    const Stored wt(format, depth, columns, 6);
    const auto x = random_floats(rows * depth, 7);
    std::vector<float> together(rows * columns);
    std::vector<float> apart(rows * columns);
    ops().matmul({x.data(), depth, rows, w.view, together.data(), columns}, 0, columns);
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t n = 0; n < columns; n += 13) {
        ops().matmul({x.data() + t * depth, depth, 1, w.view, apart.data() + t * columns, columns}, n,
                     std::min(n + 13, columns));
      }
    }
    EXPECT_EQ(together, apart) << quant::name_of(format);
    ops().matmul_transposed({x.data(), depth, rows, &wt.view, 1, together.data(), columns, Sums::fresh}, 0,
                            columns);
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t n = 0; n < columns; n += 128) {
        ops().matmul_transposed(
            {x.data() + t * depth, depth, 1, &wt.view, 1, apart.data() + t * columns, columns, Sums::fresh},
            n, std::min(n + 128, columns));
      }
    }
    EXPECT_EQ(together, apart) << quant::name_of(format);
  }
}

// Many rows and long sums go another way, to the same bits.
TEST_P(Ops, LongSumsOfManyRowsAreTheSameBitsAsOfOne) {
  for (const Format format : kFormats) {
    for (const std::int64_t depth : {1024, 1549}) {
      const std::int64_t columns = 38;
      const std::int64_t rows = 133;
      const Stored w(format, columns, depth, 25);
      const auto x = random_floats(rows * depth, 26);
      Guarded together(rows * columns);
      ops().matmul({x.data(), depth, rows, w.view, together.data(), columns}, 0, columns);
      together.expect_untouched();
      for (std::int64_t t = 0; t < rows; t += 11) {
        std::vector<float> alone(columns);
        ops().matmul({x.data() + t * depth, depth, 1, w.view, alone.data(), columns}, 0, columns);
        for (std::int64_t n = 0; n < columns; ++n)
          ASSERT_EQ(together.data()[t * columns + n], alone[static_cast<std::size_t>(n)])
              << quant::name_of(format) << " K " << depth << " row " << t << " column " << n;
      }
    }
  }
}

TEST_P(Ops, ASliceOfTilesMayBeginInsideABand) {
  for (const Format format : {Format::q8, Format::q4}) {
    const Stored w(format, 70, 100, 20);
    const auto x = random_floats(3 * 100, 21);
    std::vector<float> whole(3 * 70);
    ops().matmul({x.data(), 100, 3, w.view, whole.data(), 70}, 0, 70);
    Guarded part(3 * 29);
    ops().matmul({x.data(), 100, 3, quant::row_slice(w.view, 21, 29), part.data(), 29}, 0, 29);
    part.expect_untouched();
    for (std::int64_t t = 0; t < 3; ++t) {
      for (std::int64_t n = 0; n < 29; ++n) {
        ASSERT_EQ(part.data()[t * 29 + n], whole[static_cast<std::size_t>(t * 70 + 21 + n)]);
      }
    }
  }
}

TEST_P(Ops, WidenIsExactForEveryNumberOfEveryFormat) {
  for (const Format format : kFormats) {
    for (const std::int64_t columns : kSizes) {
      const Stored w(format, 130, columns, 8);
      for (const std::int64_t row : {0, 127, 129}) {
        Guarded y(columns);
        ops().widen({w.view, row, y.data()}, 0, columns);
        y.expect_untouched();
        for (std::int64_t i = 0; i < columns; ++i) ASSERT_EQ(y.data()[i], quant::element(w.view, row, i));
      }
    }
  }
  std::vector<std::uint8_t> codes(256);
  for (std::size_t i = 0; i < 256; ++i) codes[i] = static_cast<std::uint8_t>(i);
  const std::vector<float> scales = {1.0F, 0.5F};
  const MatrixView all = quant::matrix_view(codes.data(), Format::f8_block, 1, 256, scales.data());
  std::vector<float> y(256);
  ops().widen({all, 0, y.data()}, 0, 256);
  for (std::int64_t i = 0; i < 256; ++i) {
    const float expected = quant::element(all, 0, i);
    EXPECT_TRUE(y[static_cast<std::size_t>(i)] == expected ||
                (std::isnan(expected) && std::isnan(y[static_cast<std::size_t>(i)])))
        << i;
  }
}

TEST_P(Ops, RmsNormAgrees) {
  for (const std::int64_t columns : kSizes) {
    const auto x = random_floats(3 * columns, 9);
    const auto w = random_floats(columns, 10);
    Guarded y(3 * columns);
    ops().rms_norm({x.data(), columns, w.data(), 1e-5F, 1.5F, columns, y.data(), columns}, 0, 3);
    y.expect_untouched();
    for (std::int64_t t = 0; t < 3; ++t) {
      double squares = 0;
      for (std::int64_t i = 0; i < columns; ++i)
        squares += std::pow(x[static_cast<std::size_t>(t * columns + i)], 2);
      for (std::int64_t i = 0; i < columns; ++i) {
        const double exact = w[static_cast<std::size_t>(i)] * x[static_cast<std::size_t>(t * columns + i)] /
                             std::sqrt(squares / static_cast<double>(columns) + 1e-5) * 1.5;
        ASSERT_LE(std::fabs(y.data()[t * columns + i] - exact),
                  static_cast<double>(columns + 8) * kUnit * std::fabs(exact));
      }
    }
  }
}

// With n columns and s = 1 / sqrt(variance + eps): the mean is off by at most m = (n + 2) u mean|x| (n - 1
// additions, a division, one to spare for second order), so a difference d by m + u |d|. As the exact
// differences add up to zero, m enters the variance squared only: variance + eps is off by m^2 + ((n + 6) u)
// of itself (roundings of differences, squares, sum, division, eps), and its root and reciprocal by half of
// that and 3 u. Product and sum with weight and bias round twice more.
double layer_norm_bound(std::span<const float> x, double s, double w, double d, double y) {
  const auto n = static_cast<double>(x.size());
  double size = 0;
  for (const float v : x) size += std::fabs(v);
  const double m = (n + 2) * kUnit * size / n;
  const double inverse = m * m * s * s + ((n + 6) / 2 + 3) * kUnit;  // relative; the first without its half
  return std::fabs(w) * s * (m + std::fabs(d) * (inverse + 3 * kUnit)) * (1 + inverse) +
         2 * kUnit * std::fabs(y);
}

TEST_P(Ops, LayerNormAgreesAlsoFarFromZeroAndOnConstantRows) {
  for (const std::int64_t columns : kSizes) {
    auto x = random_floats(4 * columns, 14);
    for (std::int64_t i = 0; i < columns; ++i) {
      x[static_cast<std::size_t>(columns + i)] += 1000;  // one pass over squares would lose all digits
      x[static_cast<std::size_t>(2 * columns + i)] = 0.1F;
    }
    const auto w = random_floats(columns, 15);
    const auto b = random_floats(columns, 16);
    Guarded y(4 * columns);
    ops().layer_norm({x.data(), columns, w.data(), b.data(), 1e-5F, columns, y.data(), columns}, 0, 4);
    y.expect_untouched();
    for (std::int64_t t = 0; t < 4; ++t) {
      const auto row = std::span(x).subspan(static_cast<std::size_t>(t * columns), w.size());
      double mean = 0;
      for (const float v : row) mean += v / static_cast<double>(columns);
      double variance = 0;
      for (const float v : row) variance += (v - mean) * (v - mean) / static_cast<double>(columns);
      const double s = 1 / std::sqrt(variance + static_cast<double>(1e-5F));
      for (std::size_t i = 0; i < w.size(); ++i) {
        const double d = row[i] - mean;
        const double exact = d * s * w[i] + b[i];
        ASSERT_LE(std::fabs(y.data()[t * columns + static_cast<std::int64_t>(i)] - exact),
                  layer_norm_bound(row, s, w[i], d, exact))
            << columns << " columns, row " << t;
      }
    }
    Guarded in_place(4 * columns);
    std::copy(x.begin(), x.end(), in_place.data());
    for (std::int64_t t = 0; t < 4; ++t) {
      ops().layer_norm(
          {in_place.data(), columns, w.data(), b.data(), 1e-5F, columns, in_place.data(), columns}, t, t + 1);
    }
    EXPECT_EQ(in_place.values, y.values) << columns;
  }
}

TEST_P(Ops, SoftmaxAndSwigluAgreeAlsoAtTheEnds) {
  for (const std::int64_t columns : kSizes) {
    auto x = random_floats(2 * columns, 11);
    for (float& v : x) v *= 20;
    x[0] = 80;
    x[static_cast<std::size_t>(columns - 1)] = columns > 1 ? -300.0F : 80.0F;
    Guarded y(2 * columns);
    std::copy(x.begin(), x.end(), y.data());
    std::array<float, 2> peaks{}, sums{};
    ops().softmax({y.data(), columns, columns, peaks.data(), sums.data()}, 0, 2);
    y.expect_untouched();
    for (std::int64_t t = 0; t < 2; ++t) {
      const float* row = x.data() + t * columns;
      const double largest = *std::max_element(row, row + columns);
      double sum = 0;
      for (std::int64_t i = 0; i < columns; ++i) sum += std::exp(row[i] - largest);
      EXPECT_EQ(peaks[static_cast<std::size_t>(t)], largest);
      // Terms far below the largest have a large relative error and no weight: that of the sum is that of
      // its largest terms, a few units for each.
      EXPECT_NEAR(sums[static_cast<std::size_t>(t)], sum, static_cast<double>(columns + 8) * kUnit * sum);
      for (std::int64_t i = 0; i < columns; ++i) {
        const double exact = std::exp(row[i] - largest) / sum;
        ASSERT_LE(std::fabs(y.data()[t * columns + i] - exact),
                  (static_cast<double>(columns + 8) + largest - row[i]) * kUnit * exact + 1e-37);
      }
    }
  }
  const std::vector<float> gate = {0,    -0.0F, 1,      -1, 20, -20, 88, -88, 100,
                                   -100, 1e30F, -1e30F, 3,  4,  5,   6,  7};
  const std::vector<float> up(gate.size(), 1.0F);
  Guarded y(static_cast<std::int64_t>(gate.size()));
  ops().swiglu({gate.data(), up.data(), y.data()}, 0, static_cast<std::int64_t>(gate.size()));
  y.expect_untouched();
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const double exact = gate[i] / (1 + std::exp(-static_cast<double>(gate[i])));
    // Below -88 the exponential is clamped: the result is then below 1e-36, or -1e30 / 2e38 at the very end.
    EXPECT_LE(std::fabs(y.data()[i] - exact), 8 * kUnit * std::fabs(exact) + 1e-8) << gate[i];
  }
}

TEST_P(Ops, AddScaledAgrees) {
  for (const std::int64_t count : kSizes) {
    for (const float keep : {1.0F, 0.7F}) {
      const auto x = random_floats(count, 12);
      const auto start = random_floats(count, 13);
      Guarded y(count);
      std::copy(start.begin(), start.end(), y.data());
      ops().add_scaled({x.data(), 0.3F, y.data(), keep}, 0, count);
      y.expect_untouched();
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = static_cast<double>(keep) * start[i] + static_cast<double>(0.3F) * x[i];
        ASSERT_LE(std::fabs(y.data()[i] - exact),
                  2 * kUnit * (std::fabs(keep * start[i]) + std::fabs(0.3F * x[i])));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, Ops, ::testing::ValuesIn(testing::kernel_sets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::kernels
