// y[t, n] = or += sum_k x[t, k] * w[k, n], written once over the vector vocabulary. For every output the
// products are added in ascending k onto zero or the value that y holds, one fused multiply-add each,
// whatever the tile.
#pragma once

namespace {

using nestor::kernels::MatmulTransposedArgs;
using nestor::kernels::Sums;

// kRows x kVecs vectors of outputs at (t, n); `lanes` of the last vector are meant (kLanes: all).
template <typename Stored, int kRows, int kVecs>
inline void transposed_tile(const MatmulTransposedArgs& a, int64_t t, int64_t n, int64_t lanes) {
  Vec sums[kRows][kVecs];
  const bool part = lanes < kLanes;
  for (int i = 0; i < kRows; ++i) {
    const float* y = a.y + (t + i) * a.y_stride + n;
    for (int j = 0; j < kVecs; ++j) {
      if (a.sums == Sums::fresh) {
        sums[i][j] = vec_zero();
      } else {
        sums[i][j] = part && j == kVecs - 1 ? vec_load_part(y + j * kLanes, lanes) : vec_load(y + j * kLanes);
      }
    }
  }
  const float* x = a.x + t * a.x_stride;
  for (const auto* w = a.w; w < a.w + a.matrices; ++w) {
    for (int64_t k = 0; k < w->rows; ++k, ++x) {
      const uint8_t* row = w->data + k * w->row_bytes + n * Stored::kBytes;
      for (int j = 0; j < kVecs; ++j) {
        const uint8_t* at = row + j * kLanes * Stored::kBytes;
        Vec weight = part && j == kVecs - 1 ? Stored::load_part(at, lanes) : Stored::load(at);
        // kLanes divides the block, and n is a multiple of kLanes here: one scale serves the whole vector.
        if constexpr (Stored::kScaled) weight = vec_mul(weight, vec_set(scale_at(*w, k, n + j * kLanes)));
        for (int i = 0; i < kRows; ++i) sums[i][j] = vec_fma(vec_set(x[i * a.x_stride]), weight, sums[i][j]);
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    float* y = a.y + (t + i) * a.y_stride + n;
    for (int j = 0; j < kVecs; ++j) {
      if (part && j == kVecs - 1) {
        vec_store_part(y + j * kLanes, sums[i][j], lanes);
      } else {
        vec_store(y + j * kLanes, sums[i][j]);
      }
    }
  }
}

// All rows for one strip of columns, which then stays in the nearest cache.
template <typename Stored, int kVecs>
inline void transposed_strip(const MatmulTransposedArgs& a, int64_t n, int64_t lanes) {
  int64_t t = 0;
  for (; t + kTileRows <= a.rows; t += kTileRows) transposed_tile<Stored, kTileRows, kVecs>(a, t, n, lanes);
  for (; t < a.rows; ++t) transposed_tile<Stored, 1, kVecs>(a, t, n, lanes);
}

template <typename Stored>
void transposed_stored(const MatmulTransposedArgs& a, int64_t n_begin, int64_t n_end) {
  int64_t n = n_begin;
  for (; n + 4 * kLanes <= n_end; n += 4 * kLanes) transposed_strip<Stored, 4>(a, n, kLanes);
  for (; n + kLanes <= n_end; n += kLanes) transposed_strip<Stored, 1>(a, n, kLanes);
  if (n < n_end) transposed_strip<Stored, 1>(a, n, n_end - n);
}

// n_begin is a multiple of kScaleBlock or zero.
void matmul_transposed(const MatmulTransposedArgs& a, int64_t n_begin, int64_t n_end) {
  switch (a.w->format) {
    case nestor::quant::Format::f32:
      transposed_stored<StoredF32>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::f16:
      transposed_stored<StoredF16>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::bf16:
      transposed_stored<StoredBf16>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::f8_block:
      transposed_stored<StoredF8>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::q8:
      transposed_coded<TurnQ8>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::q4:
      transposed_coded<TurnQ4>(a, n_begin, n_end);
      break;
  }
}

}  // namespace
