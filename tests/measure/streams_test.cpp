// Ways of reading weights: they differ in speed alone.
#include "measure/streams.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/ops.h"
#include "kernels/registry.h"
#include "quant/number.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"
#include "support/tiles.h"

namespace nestor::measure {
namespace {

using kernels::Format;
using kernels::Reading;
using testing::random_floats;

// A matrix in any format but f8_block, which shares its loops with f16.
struct Weights {
  std::vector<std::uint8_t> bytes;
  quant::MatrixView view;

  Weights(Format format, std::int64_t rows, std::int64_t cols) {
    const auto values = random_floats(rows * cols, 1);
    if (quant::is_tiled(format)) {
      testing::Tiles tiles(format, values, rows, cols);
      bytes = std::move(tiles.bytes);
    } else {
      for (const float value : values) put(format, value);
    }
    view = quant::matrix_view(bytes.data(), format, rows, cols);
  }

 private:
  void put(Format format, float value) {
    const std::uint16_t half = format == Format::f16 ? quant::to_f16(value) : quant::to_bf16(value);
    const auto* from = format == Format::f32 ? reinterpret_cast<const std::uint8_t*>(&value)
                                             : reinterpret_cast<const std::uint8_t*>(&half);
    bytes.insert(bytes.end(), from, from + quant::element_bytes(format));
  }
};

class Readings : public ::testing::TestWithParam<std::string> {
 protected:
  const kernels::OpTable& ops() const { return kernels::select_set(GetParam(), cpu_info()); }

  std::vector<float> product(const Weights& w, std::int64_t rows, const Reading& reading) {
    kernels::Team team(1);
    kernels::Arena arena;
    kernels::Work work;
    kernels::Streams streams;
    streams.one(w.view.format) = streams.few(w.view.format) = reading;
    const kernels::Context ctx{ops(), team, arena, work, nullptr, streams};
    auto x = random_floats(rows * w.view.cols, 2);
    std::vector<float> y(static_cast<std::size_t>(rows * w.view.rows));
    kernels::matmul(ctx, {x.data(), w.view.cols}, rows, w.view, {y.data(), w.view.rows});
    return y;
  }
};

TEST_P(Readings, AllGiveTheSameBits) {
  for (const Format format : {Format::f32, Format::f16, Format::bf16, Format::q8, Format::q4}) {
    for (const std::int64_t depth : {1, 65, 600}) {
      for (const std::int64_t columns : {5, 17, 70}) {
        const Weights w(format, columns, depth);
        for (std::int64_t rows = 1; rows <= kernels::kFewRows + 1; ++rows) {
          std::vector<Reading> tried(readings(format, rows).begin(), readings(format, rows).end());
          // A file may have been edited: any numbers will do.
          for (const Reading& other : {Reading{0, 64}, {5, 1}, {99, 1 << 20}}) tried.push_back(other);
          const auto first = product(w, rows, tried[0]);
          for (const Reading& reading : tried) {
            const auto y = product(w, rows, reading);
            ASSERT_TRUE(std::equal(first.begin(), first.end(), y.begin()))
                << quant::name_of(format) << " K " << depth << " N " << columns << " T " << rows << ": "
                << reading.side_by_side << " side by side, " << reading.bytes_ahead << " ahead";
          }
        }
      }
    }
  }
}

const auto name_of = [](const auto& set) { return set.param; };
INSTANTIATE_TEST_SUITE_P(Sets, Readings, ::testing::ValuesIn(testing::kernel_sets()), name_of);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Readings);
INSTANTIATE_TEST_SUITE_P(RoundingSets, Readings, ::testing::ValuesIn(testing::rounding_sets()), name_of);

TEST(Streams, TheFastestIsOneOfThoseTriedAndOthersStayBuiltIn) {
  const kernels::OpTable& ops = kernels::select_set("auto", cpu_info());
  if (ops.matmul_coded == nullptr) GTEST_SKIP() << "needs a set that multiplies codes";
  kernels::Team team(2);
  kernels::Streams found = fastest_streams(ops, team, std::array{Format::q4, Format::bf16}).streams;
  const auto tried = [](const Reading& reading, Format format, std::int64_t rows) {
    return std::ranges::any_of(readings(format, rows), [&](const Reading& known) {
      return known.side_by_side == reading.side_by_side && known.bytes_ahead == reading.bytes_ahead;
    });
  };
  for (const Format format : {Format::q4, Format::bf16}) {
    EXPECT_TRUE(tried(found.one(format), format, 1));
    EXPECT_TRUE(tried(found.few(format), format, 4));
  }
  kernels::Streams built_in;
  EXPECT_EQ(found.one(Format::q8).side_by_side, built_in.one(Format::q8).side_by_side);
  EXPECT_EQ(found.one(Format::q8).bytes_ahead, built_in.one(Format::q8).bytes_ahead);
}

}  // namespace
}  // namespace nestor::measure
