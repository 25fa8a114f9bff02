// Where the blocks of encoded rows lie (op_args.h, EncodedRows).
#pragma once

#include <stdint.h>

namespace {

// The number of block b of row t; rows of one group and block have numbers in a row.
inline int64_t encoded_block(const nestor::kernels::EncodedRows& e, int64_t t, int64_t b) {
  const int64_t first = t / nestor::kernels::kRowGroup * nestor::kernels::kRowGroup;
  const int64_t left = e.rows - first;
  const int64_t count = left < nestor::kernels::kRowGroup ? left : nestor::kernels::kRowGroup;
  return first * e.blocks + b * count + t - first;
}

}  // namespace
