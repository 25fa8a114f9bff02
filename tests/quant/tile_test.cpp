// Tiles: the layout by hand, awkward sizes, slices, and what a search for scales is worth.
#include "quant/tile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/random.h"
#include "quant/distortion.h"
#include "quant/encoding.h"
#include "quant/matrix.h"
#include "quant/number.h"

namespace nestor::quant {
namespace {

std::vector<float> random_floats(std::int64_t count, std::uint64_t stream) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(normal_pair(7, static_cast<std::uint64_t>(i), stream)[0]);
  return values;
}

std::vector<std::uint8_t> encode(Format format, const std::vector<float>& values, std::int64_t rows,
                                 std::int64_t cols, ScaleRule rule) {
  const auto shape = tiled_shape(format, rows, cols);
  const std::int64_t band = shape[1] * shape[2];
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(shape[0] * band), 0xAA);
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    encode_band(format, values.data() + b * kBandRows * cols, std::min(kBandRows, rows - b * kBandRows), cols,
                {}, rule, bytes.data() + b * band);
  }
  return bytes;
}

TEST(Tile, TheLayoutByHand) {
  // Row 1 is 127 at k = 5 and -3 at k = 52: with eight bits the scale is 1 and the codes are the values.
  std::vector<float> values(2 * 64);
  values[64 + 5] = 127;
  values[64 + 52] = -3;
  const auto q8 = encode(Format::q8, values, 2, 64, ScaleRule::absmax);
  ASSERT_EQ(q8.size(), static_cast<std::size_t>(kTileBytesQ8));
  EXPECT_EQ(q8[2] | q8[3] << 8, to_bf16(1.0F));
  EXPECT_EQ(q8[32 + 1 * 64 + 1 * 4 + 1], 127);
  EXPECT_EQ(q8[32 + 13 * 64 + 1 * 4 + 0], 256 - 3);
  // Row 0 is -8 at k = 3 and 7 at k = 35: the same byte, low half and high half, as 0 and 15.
  values.assign(64, 0);
  values[3] = -8;
  values[35] = 7;
  const auto q4 = encode(Format::q4, values, 1, 64, ScaleRule::absmax);
  ASSERT_EQ(q4.size(), static_cast<std::size_t>(kTileBytesQ4));
  EXPECT_EQ(q4[0] | q4[1] << 8, to_bf16(1.0F));
  EXPECT_EQ(q4[32 + 3], 0xF0);
  EXPECT_EQ(q4[32 + 2], 0x88);
}

TEST(Tile, EveryValueIsWithinHalfAStepOnAwkwardSizes) {
  for (const Format format : {Format::q8, Format::q4}) {
    const double steps = format == Format::q8 ? 127 : 8;
    for (const std::int64_t rows : {1, 15, 16, 17, 40}) {
      for (const std::int64_t cols : {1, 33, 63, 64, 65, 200}) {
        const auto values = random_floats(rows * cols, 1);
        const auto bytes = encode(format, values, rows, cols, ScaleRule::absmax);
        const MatrixView m = matrix_view(bytes.data(), format, rows, cols);
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t k = 0; k < cols; ++k) {
            double largest = 0;
            const std::int64_t first = k / kTileDepth * kTileDepth;
            for (std::int64_t j = first; j < std::min(cols, first + kTileDepth); ++j) {
              largest = std::max(
                  largest, std::fabs(static_cast<double>(values[static_cast<std::size_t>(r * cols + j)])));
            }
            // Half a step; a whole one at the side that has one code less; 2^-8 for the scale's rounding.
            const double bound = largest / steps * (format == Format::q4 ? 1.0 : 0.5) + largest / 256;
            ASSERT_LE(std::fabs(element(m, r, k) - values[static_cast<std::size_t>(r * cols + k)]), bound);
          }
        }
      }
    }
  }
}

TEST(Tile, ARowOfABandIsWrittenAloneWithOneScaleForColumnsThatGoTogether) {
  for (const auto& [cols, together] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {48, 32}, {200, 100}, {576, 512}, {130, 0}}) {
    const auto shape = tiled_shape(Format::q8, 16, cols);
    std::vector<std::uint8_t> band(static_cast<std::size_t>(shape[1] * shape[2]), 0xAB);
    const auto before = band;
    const auto values = random_floats(cols, 5);
    encode_row_q8(values, together, 5, band.data());
    const MatrixView m = matrix_view(band.data(), Format::q8, 16, cols);
    const std::int64_t shared = (together + kTileDepth - 1) / kTileDepth * kTileDepth;
    for (std::int64_t k = 0; k < cols; ++k) {
      const std::int64_t first = k < shared ? 0 : k / kTileDepth * kTileDepth;
      const std::int64_t end = std::min(cols, k < shared ? shared : first + kTileDepth);
      double largest = 0;
      for (std::int64_t j = first; j < end; ++j)
        largest = std::max(largest, std::fabs(static_cast<double>(values[static_cast<std::size_t>(j)])));
      // Half a step, and what the scale, rounded to 2^-9 of itself, leaves beyond the outermost code.
      ASSERT_LE(std::fabs(element(m, 5, k) - values[static_cast<std::size_t>(k)]),
                largest * (0.5 / 127 + 1.0 / 256))
          << k << " of " << cols;
      std::uint16_t scale = 0;
      std::memcpy(&scale, band.data() + k / kTileDepth * kTileBytesQ8 + 2 * 5, sizeof scale);
      EXPECT_EQ(scale, to_bf16(static_cast<float>(largest) / 127)) << k << " of " << cols;
    }
    for (std::int64_t row = 0; row < 16; ++row) {
      const MatrixView was = matrix_view(before.data(), Format::q8, 16, cols);
      for (std::int64_t k = 0; k < cols && row != 5; ++k) ASSERT_EQ(element(m, row, k), element(was, row, k));
    }
  }
  std::vector<std::uint8_t> band(static_cast<std::size_t>(kTileBytesQ8));
  const std::vector<float> bad = {1.0F, std::numeric_limits<float>::infinity(), 2.0F};
  encode_row_q8(bad, 3, 0, band.data());
  EXPECT_TRUE(std::isnan(element(matrix_view(band.data(), Format::q8, 16, 3), 0, 0)));
}

TEST(Tile, ASliceHasTheRowsOfTheWhole) {
  const auto values = random_floats(70 * 40, 2);
  const auto bytes = encode(Format::q4, values, 70, 40, ScaleRule::absmax);
  const MatrixView whole = matrix_view(bytes.data(), Format::q4, 70, 40);
  const MatrixView slice = row_slice(row_slice(whole, 10, 50), 9, 30);
  EXPECT_EQ(slice.rows, 30);
  for (std::int64_t r = 0; r < 30; ++r) {
    for (std::int64_t k = 0; k < 40; ++k) ASSERT_EQ(element(slice, r, k), element(whole, 19 + r, k));
  }
}

TEST(Tile, SearchedScalesAreBetterThanTheLargestValue) {
  const auto values = random_floats(64 * 256, 3);
  const auto error = [&](Format format, ScaleRule rule) {
    const auto bytes = encode(format, values, 64, 256, rule);
    const MatrixView m = matrix_view(bytes.data(), format, 64, 256);
    Distortion d;
    for (std::int64_t r = 0; r < 64; ++r) {
      std::vector<float> row;
      for (std::int64_t k = 0; k < 256; ++k) row.push_back(element(m, r, k));
      d.add(std::span(values).subspan(static_cast<std::size_t>(r * 256), 256), row);
    }
    EXPECT_EQ(d.count, 64 * 256);
    return d.relative_rms();
  };
  EXPECT_LT(error(Format::q4, ScaleRule::search), 0.96 * error(Format::q4, ScaleRule::absmax));
  EXPECT_LE(error(Format::q8, ScaleRule::search), error(Format::q8, ScaleRule::absmax));
}

TEST(Rounding, ImportanceMovesTheErrorElsewhere) {
  const auto values = random_floats(32, 4);
  std::vector<float> importance(32, 0.0F);
  std::fill(importance.begin(), importance.begin() + 4, 1.0F);
  const auto error_of_first = [&](std::span<const float> weights) {
    std::vector<std::int8_t> codes(32);
    const float scale =
        from_bf16(encode_block(values, weights, levels_of(3), ScaleRule::search, codes.data()));
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += std::pow(values[i] - scale * static_cast<float>(codes[i]), 2);
    return sum;
  };
  EXPECT_LT(error_of_first(importance), error_of_first({}));
}

TEST(Rounding, ExtremeBlocksStayFinite) {
  for (const int bits : {8, 6, 5, 4, 3, 2}) {
    for (const float size : {0.0F, 1e-30F, 1e-6F, 1.0F, 1e30F, 9.9e37F}) {
      for (const auto rule : {ScaleRule::absmax, ScaleRule::search}) {
        const std::vector<float> values = {size, -size, size / 2, 0};
        std::vector<std::int8_t> codes(4);
        const Levels l = levels_of(bits);
        const float scale = from_bf16(encode_block(values, {}, l, rule, codes.data()));
        for (std::size_t i = 0; i < 4; ++i) {
          EXPECT_GE(codes[i], l.low);
          EXPECT_LE(codes[i], l.high);
          const float back = scale * static_cast<float>(codes[i]);
          EXPECT_LE(std::fabs(back - values[i]), size) << bits << " bits, " << size;
        }
      }
    }
  }
}

TEST(Encoding, NamesAndShapes) {
  const auto q4 = encoding_named(Encoding::Layout::tiles, "q4");
  ASSERT_TRUE(q4);
  EXPECT_EQ(suffix_of(*q4), "_q4");
  EXPECT_EQ(stored_shape(*q4, 17, 65), (std::vector<std::int64_t>{2, 2, 544}));
  EXPECT_FALSE(encoding_named(Encoding::Layout::tiles, "q3"));
  const auto q3 = encoding_named(Encoding::Layout::records, "q3");
  ASSERT_TRUE(q3);
  EXPECT_EQ(suffix_of(*q3), "_rows_q3");
  EXPECT_EQ(stored_shape(*q3, 1000, 256), (std::vector<std::int64_t>{28, 4096}));
}

}  // namespace
}  // namespace nestor::quant
