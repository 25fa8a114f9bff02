// Activations to codes of eight bits, over encode_block, encode_sixteens and kOffsetQ8 of the files before
// this one.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::EncodeRowsArgs;
using nestor::kernels::kMagicBits;
using nestor::kernels::start_of;

inline void put_starts(const EncodedRows& to, int64_t at, int32_t sum_of_codes) {
  to.starts_q8[at] = start_of(sum_of_codes, kOffsetQ8, kMagicBits);
  to.starts_q4[at] = start_of(sum_of_codes, 8, kMagicBits);
}

// One block of `count` rows.
struct FloatBlocks {
  const float* x;
  int64_t stride;
  int64_t count;
};

// Room for such, side by side.
struct OwnBlocks {
  alignas(64) float x[kRowGroup][kTileDepth];

  // Of those of `from` only the places [begin, end) exist: the others become zero.
  inline FloatBlocks padded(const FloatBlocks& from, int64_t begin, int64_t end) {
    memset(x, 0, sizeof x);
    for (int64_t i = 0; i < from.count; ++i)
      memcpy(x[i] + begin, from.x + i * from.stride + begin, (size_t)(end - begin) * sizeof(float));
    return {x[0], kTileDepth, from.count};
  }

  inline FloatBlocks times(const FloatBlocks& from, const float* factors) {
    for (int64_t i = 0; i < from.count; ++i) {
      for (int64_t p = 0; p < kTileDepth; p += kLanes)
        vec_store(x[i] + p, vec_mul(vec_load(from.x + i * from.stride + p), vec_load(factors + p)));
    }
    return {x[0], kTileDepth, from.count};
  }
};

inline void encode_blocks(const FloatBlocks& from, const CodedBlocks& to) {
  for (int64_t i = encode_sixteens(from.x, from.stride, from.count, to); i < from.count; ++i)
    to.scales[i] = encode_block(from.x + i * from.stride, to.codes + i * kTileDepth, to.sums + i);
}

// Rows [t, t_end) of one group.
inline void encode_group(const EncodeRowsArgs& a, int64_t t, int64_t t_end) {
  int32_t sums[kRowGroup];
  for (int64_t b = 0; b * kTileDepth < a.cols; ++b) {
    const FloatBlocks x = {a.x + t * a.x_stride + b * kTileDepth, a.x_stride, t_end - t};
    const int64_t at = encoded_block(a.to, t, a.first_block + b);
    const CodedBlocks to = {a.to.codes + at * kTileDepth, a.to.scales + at, sums};
    const int64_t left = a.cols - b * kTileDepth;
    if (left < kTileDepth) {
      OwnBlocks own;
      encode_blocks(own.padded(x, 0, left), to);
    } else {
      encode_blocks(x, to);
    }
    for (int64_t i = 0; i < t_end - t; ++i) put_starts(a.to, at + i, sums[i]);
  }
}

void encode_rows(const EncodeRowsArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end;) {
    const int64_t group_end = (t / kRowGroup + 1) * kRowGroup;
    const int64_t t_end = group_end < row_end ? group_end : row_end;
    encode_group(a, t, t_end);
    t = t_end;
  }
}

}  // namespace
