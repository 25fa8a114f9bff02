// How fast this machine multiplies by matrices of a format, measured with the kernels that models use.
#pragma once

#include <cstdint>

#include "kernels/op_args.h"
#include "kernels/parallel.h"
#include "kernels/streams.h"
#include "measure/memory_read.h"

namespace nestor::measure {

/// Matrices [outputs, inputs], one after the other, each multiplied with `rows` rows; so many of them that a
/// round reads `footprint` bytes (at least one matrix, at most what the memory holds).
struct ProductCase {
  kernels::Format format = kernels::Format::f32;
  std::int64_t outputs = 0, inputs = 0;
  std::int64_t rows = 1;
  std::uint64_t footprint = 0;

  bool operator==(const ProductCase&) const = default;
};

/// Bytes of such a matrix.
std::uint64_t matrix_bytes(const ProductCase& what);

/// Multiply-adds per second: the middle of some rounds, some tens of milliseconds in all. Rounds go on
/// through the memory, so what fits no cache is read from memory. Numbers in it do not matter, but for
/// subnormal ones.
double product_rate(const kernels::OpTable& ops, kernels::Team& team, const kernels::Streams& streams,
                    const ProductCase& what, const Memory& memory);

}  // namespace nestor::measure
