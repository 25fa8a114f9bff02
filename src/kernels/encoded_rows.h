// Where the blocks of encoded rows lie, and what their sums start from (op_args.h, EncodedRows). `static`, as
// files for one instruction set include it.
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

// Rows from one of a group on, block after block.
struct Activations {
  const int8_t* codes;
  const float* scales;
  const int32_t* starts;
  int64_t step;  // blocks from one to the next: rows of the group

  inline void advance() {
    codes += step * quant::kTileDepth;
    scales += step;
    starts += step;
  }
};

// From row t and block b on; `starts` is one of the two of e.
static inline Activations activations_at(const EncodedRows& e, const int32_t* starts, int64_t t, int64_t b) {
  const int64_t left = e.rows - t / kRowGroup * kRowGroup;
  const int64_t at = encoded_block(e, t, b);
  return {e.codes + at * quant::kTileDepth, e.scales + at, starts + at, left < kRowGroup ? left : kRowGroup};
}

// What blocks become that lie side by side: 64 codes of each, their scale and their sum.
struct CodedBlocks {
  int8_t* codes;
  float* scales;
  int32_t* sums;
};

// Whole-number sums become floats without a conversion: they start from the bits of kMagic = 1.5 * 2^23,
// whose last place is 1, so that the sum, read as a float, is kMagic + sum as long as |sum| < 2^22; it is at
// most 64 * 127 * 127 < 2^20. Multiplied by a scale with the eight bits of a bfloat16, kMagic stays exact,
// and one fused (kMagic + sum) * scale - kMagic * scale is sum * scale, rounded once.
static constexpr int32_t kMagicBits = 0x4B400000;
static constexpr float kMagic = 12582912.0F;

// What a sum of products starts from where the codes of the other side have `offset` added: `zero` less the
// offset times the sum of these codes, modulo 2^32.
static inline int32_t start_of(int32_t sum_of_codes, int32_t offset, int32_t zero) {
  return (int32_t)((uint32_t)zero - (uint32_t)offset * (uint32_t)sum_of_codes);
}

}  // namespace nestor::kernels
