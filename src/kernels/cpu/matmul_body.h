// y[t, n] = sum_k x[t, k] * w[n, k], written once over the vector vocabulary.
//
// Every output has one vector accumulator that runs over k in steps of kLanes (the last step partial) and is
// summed across lanes at the end. A tile computes several outputs side by side but never changes that order,
// so an output is bitwise the same in a batch of one and in a batch of a thousand.
#pragma once

namespace {

using nestor::kernels::MatmulArgs;

// Sums of a kRows x kCols tile at (t, n).
template <typename Stored, int kRows, int kCols>
inline void matmul_tile(const MatmulArgs& a, int64_t t, int64_t n) {
  Vec sums[kRows][kCols];
  const float* x[kRows];
  const uint8_t* w[kCols];
  for (int i = 0; i < kRows; ++i) x[i] = a.x + (t + i) * a.x_stride;
  for (int j = 0; j < kCols; ++j) w[j] = a.w.data + (n + j) * a.w.row_bytes;
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kCols; ++j) sums[i][j] = vec_zero();
  }

  // Without scales all columns are one block: between blocks the compiler keeps the sums in memory.
  const int64_t depth = a.w.cols;
  const int64_t block_columns = Stored::kScaled ? nestor::quant::kScaleBlock : depth;
  for (int64_t block = 0; block < depth; block += block_columns) {
    const int64_t end = block + block_columns < depth ? block + block_columns : depth;
    Vec scale[kCols];
    if constexpr (Stored::kScaled) {
      for (int j = 0; j < kCols; ++j) scale[j] = vec_set(scale_at(a.w, n + j, block));
    }
    int64_t k = block;
    for (; k + kLanes <= end; k += kLanes) {
      Vec weights[kCols];
      for (int j = 0; j < kCols; ++j) {
        weights[j] = Stored::load(w[j] + k * Stored::kBytes);
        if constexpr (Stored::kScaled) weights[j] = vec_mul(weights[j], scale[j]);
      }
      for (int i = 0; i < kRows; ++i) {
        const Vec activation = vec_load(x[i] + k);
        for (int j = 0; j < kCols; ++j) sums[i][j] = vec_fma(activation, weights[j], sums[i][j]);
      }
    }
    if (k < end) {
      for (int j = 0; j < kCols; ++j) {
        Vec weight = Stored::load_part(w[j] + k * Stored::kBytes, end - k);
        if constexpr (Stored::kScaled) weight = vec_mul(weight, scale[j]);
        for (int i = 0; i < kRows; ++i)
          sums[i][j] = vec_fma(vec_load_part(x[i] + k, end - k), weight, sums[i][j]);
      }
    }
  }
  if constexpr (kLanes == 16 && kRows == 4 && kCols == 4) {
    store_sums_4x4(sums, a.y + t * a.y_stride + n, a.y_stride);
    return;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kCols; ++j) a.y[(t + i) * a.y_stride + n + j] = vec_sum(sums[i][j]);
  }
}

// All columns for kRows rows from t on.
template <typename Stored, int kRows, int kCols>
inline void matmul_rows(const MatmulArgs& a, int64_t t, int64_t n_begin, int64_t n_end) {
  int64_t n = n_begin;
  for (; n + kCols <= n_end; n += kCols) matmul_tile<Stored, kRows, kCols>(a, t, n);
  for (; n < n_end; ++n) matmul_tile<Stored, kRows, 1>(a, t, n);
}

template <typename Stored>
void matmul_stored(const MatmulArgs& a, int64_t n_begin, int64_t n_end) {
  // A few columns of w stay in the nearest cache, beside some rows, while all rows pass by.
  constexpr int64_t kColumnBytes = 20480;
  const int64_t fitting = kColumnBytes / (a.w.cols * Stored::kBytes + 1) / kTileColumns * kTileColumns;
  const int64_t columns_at_once = fitting < kTileColumns ? kTileColumns : fitting < 16 ? fitting : 16;
  if (a.rows < kTileRows) {
    for (int64_t t = 0; t < a.rows; ++t) matmul_rows<Stored, 1, kSingleColumns>(a, t, n_begin, n_end);
    return;
  }
  for (int64_t n = n_begin; n < n_end; n += columns_at_once) {
    const int64_t end = n + columns_at_once < n_end ? n + columns_at_once : n_end;
    int64_t t = 0;
    for (; t + kTileRows <= a.rows; t += kTileRows)
      matmul_rows<Stored, kTileRows, kTileColumns>(a, t, n, end);
    for (; t < a.rows; ++t) matmul_rows<Stored, 1, kSingleColumns>(a, t, n, end);
  }
}

void matmul(const MatmulArgs& a, int64_t n_begin, int64_t n_end) {
  switch (a.w.format) {
    case nestor::quant::Format::f32:
      matmul_stored<StoredF32>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::f16:
      matmul_stored<StoredF16>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::bf16:
      matmul_stored<StoredBf16>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::f8_block:
      matmul_stored<StoredF8>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::q8:
      matmul_tiled<TiledQ8>(a, n_begin, n_end);
      break;
    case nestor::quant::Format::q4:
      matmul_tiled<TiledQ4>(a, n_begin, n_end);
      break;
  }
}

}  // namespace
