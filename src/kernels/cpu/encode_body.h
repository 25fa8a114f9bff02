// Activations to codes of eight bits, over encode_block and put_starts of the coded_body_*.h before this one.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::EncodeRowsArgs;

void encode_rows(const EncodeRowsArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + t * a.x_stride;
    for (int64_t b = 0; b * kTileDepth < a.cols; ++b) {
      const int64_t left = a.cols - b * kTileDepth;
      float padded[kTileDepth];
      const float* from = x + b * kTileDepth;
      if (left < kTileDepth) {
        memset(padded, 0, sizeof padded);
        memcpy(padded, from, (size_t)left * sizeof(float));
        from = padded;
      }
      const int64_t at = encoded_block(a.to, t, a.first_block + b);
      int32_t sum = 0;
      a.to.scales[at] = encode_block(from, a.to.codes + at * kTileDepth, &sum);
      put_starts(a.to, at, sum);
    }
  }
}

}  // namespace
