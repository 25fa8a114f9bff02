// Where the blocks of encoded rows lie (op_args.h, EncodedRows). `static`, as files for one instruction set
// include it.
#pragma once

#include "kernels/op_args.h"

namespace nestor::kernels {

// The number of block b of row t; rows of one group and block have numbers in a row.
static inline int64_t encoded_block(const EncodedRows& e, int64_t t, int64_t b) {
  const int64_t first = t / kRowGroup * kRowGroup;
  const int64_t left = e.rows - first;
  const int64_t count = left < kRowGroup ? left : kRowGroup;
  return first * e.blocks + b * count + t - first;
}

}  // namespace nestor::kernels
