// What is multiplied and counted; how fast it goes no test can say.
#include "measure/products.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/cpu.h"
#include "kernels/registry.h"

namespace nestor::measure {
namespace {

using kernels::Format;

TEST(Products, BytesOfAMatrixAreWholeTiles) {
  EXPECT_EQ(matrix_bytes({.format = Format::bf16, .outputs = 5, .inputs = 7}), 70u);
  EXPECT_EQ(matrix_bytes({.format = Format::f32, .outputs = 5, .inputs = 7}), 140u);
  // Two bands of 16 rows, two blocks of 64 columns: 32 bytes of scales and 1024 or 512 of codes each.
  EXPECT_EQ(matrix_bytes({.format = Format::q8, .outputs = 17, .inputs = 65}), 4u * 1056);
  EXPECT_EQ(matrix_bytes({.format = Format::q4, .outputs = 17, .inputs = 65}), 4u * 544);
}

TEST(Products, EveryFormatHasARate) {
  const Memory memory(std::size_t{4} << 20);
  kernels::Team team(2);
  const kernels::OpTable& ops = kernels::select_set("auto", cpu_info());
  for (const Format format :
       {Format::f32, Format::f16, Format::bf16, Format::f8_block, Format::q8, Format::q4}) {
    for (const std::int64_t rows : {1, 3}) {
      for (const std::uint64_t footprint : {0, 1 << 20, 1 << 30}) {  // one matrix, some, more than memory
        const ProductCase what = {format, 48, 192, rows, footprint};
        const double rate = product_rate(ops, team, {}, what, memory);
        EXPECT_TRUE(std::isfinite(rate) && rate > 0);
      }
    }
  }
  // A matrix that is larger than the memory is measured by a part of it.
  EXPECT_GT(product_rate(ops, team, {}, {Format::f32, 4096, 1024, 1, 0}, memory), 0);
}

}  // namespace
}  // namespace nestor::measure
