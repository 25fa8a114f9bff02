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

// Numbers of one block of some rows: kLanes of row i from place p on.
struct FloatBlocks {
  const float* x;
  int64_t stride;
  inline Vec operator()(int64_t i, int64_t p) const { return vec_load(x + i * stride + p); }
};

// Rows of one block of which only the places [begin, end) exist: the others are zero.
struct PaddedBlocks {
  float x[kRowGroup][kTileDepth];
  inline PaddedBlocks(const float* from, int64_t stride, int64_t count, int64_t begin, int64_t end) {
    memset(x, 0, sizeof x);
    for (int64_t i = 0; i < count; ++i)
      memcpy(x[i] + begin, from + i * stride + begin, (size_t)(end - begin) * sizeof(float));
  }
  inline FloatBlocks blocks() const { return {x[0], kTileDepth}; }
};

// The blocks x(i, ...) of `count` rows; what belongs to a row lies side by side with that of the next.
template <typename Blocks>
inline void encode_blocks(const Blocks& x, int64_t count, const CodedBlocks& to) {
  for (int64_t i = encode_sixteens(x, count, to); i < count; ++i) {
    float block[kTileDepth];
    for (int64_t p = 0; p < kTileDepth; p += kLanes) vec_store(block + p, x(i, p));
    to.scales[i] = encode_block(block, to.codes + i * kTileDepth, to.sums + i);
  }
}

// Rows [t, t_end) of one group.
inline void encode_group(const EncodeRowsArgs& a, int64_t t, int64_t t_end) {
  int32_t sums[kRowGroup];
  for (int64_t b = 0; b * kTileDepth < a.cols; ++b) {
    const float* x = a.x + t * a.x_stride + b * kTileDepth;
    const int64_t at = encoded_block(a.to, t, a.first_block + b);
    const CodedBlocks to = {a.to.codes + at * kTileDepth, a.to.scales + at, sums};
    const int64_t left = a.cols - b * kTileDepth;
    if (left < kTileDepth) {
      encode_blocks(PaddedBlocks(x, a.x_stride, t_end - t, 0, left).blocks(), t_end - t, to);
    } else {
      encode_blocks(FloatBlocks{x, a.x_stride}, t_end - t, to);
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
