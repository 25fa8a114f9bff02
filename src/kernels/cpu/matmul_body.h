// y[t, n] = sum_k x[t, k] * w[n, k], written once over the vector vocabulary.
//
// Every output has one vector accumulator that runs over k in steps of one vector (the last step partial) and
// is summed across lanes at the end. A tile computes several outputs side by side but never changes that
// order, so an output is bitwise the same in a batch of one and in a batch of a thousand.
#pragma once

namespace {

using nestor::kernels::MatmulArgs;

// Weights that come from memory are fetched ahead: along their rows, and at the end of those in the rows of
// the next tile ...
template <int kBytesAhead>
struct Fetched {
  int64_t row_bytes;
  int64_t skip;  // from the end of a row to the row of the next tile

  template <typename Args>
  Fetched(const Args& a, int64_t bytes, int64_t columns)
      : row_bytes(bytes), skip(columns * a.w.row_bytes - bytes) {}
  template <int kCols>
  inline void fetch(const uint8_t* const* w, int64_t at) const {
    const int64_t to = fetched_at(at, kBytesAhead, row_bytes, skip);
    for (int j = 0; j < kCols; ++j) _mm_prefetch((const char*)(w[j] + to), _MM_HINT_T0);
  }
};

// ... or not: where the processor does that better, and where rows before these have read them.
struct Unfetched {
  template <typename Args>
  Unfetched(const Args&, int64_t, int64_t) {}
  template <int kCols>
  inline void fetch(const uint8_t* const*, int64_t) const {}
};

// Sums of a kRows x kCols tile at (t, n).
template <typename Stored, int kRows, int kCols, typename Weights, typename Args>
inline void matmul_tile(const Args& a, int64_t t, int64_t n) {
  Vec sums[kRows][kCols];
  const typename Stored::Activation* x[kRows];
  const uint8_t* w[kCols];
  for (int i = 0; i < kRows; ++i) x[i] = a.x + (t + i) * a.x_stride;
  for (int j = 0; j < kCols; ++j) w[j] = a.w.data + (n + j) * a.w.row_bytes;
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kCols; ++j) sums[i][j] = vec_zero();
  }

  const Weights source(a, a.w.cols * Stored::kBytes, kCols);

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
    for (; k + Stored::kStep <= end; k += Stored::kStep) {
      Vec weights[kCols];
      source.template fetch<kCols>(w, k * Stored::kBytes);
      for (int j = 0; j < kCols; ++j) {
        weights[j] = Stored::load(w[j] + k * Stored::kBytes);
        if constexpr (Stored::kScaled) weights[j] = vec_mul(weights[j], scale[j]);
      }
      for (int i = 0; i < kRows; ++i) {
        const Vec activation = Stored::activations(x[i] + k);
        for (int j = 0; j < kCols; ++j) sums[i][j] = Stored::add_products(activation, weights[j], sums[i][j]);
      }
    }
    if (k < end) {
      for (int j = 0; j < kCols; ++j) {
        Vec weight = Stored::load_part(w[j] + k * Stored::kBytes, end - k);
        if constexpr (Stored::kScaled) weight = vec_mul(weight, scale[j]);
        for (int i = 0; i < kRows; ++i) {
          const Vec activation = Stored::activations_part(x[i] + k, end - k);
          sums[i][j] = Stored::add_products(activation, weight, sums[i][j]);
        }
      }
    }
  }
  if constexpr (kRows == kTileRows && kCols == kTileColumns) {
    store_tile_sums(sums, a.y + t * a.y_stride + n, a.y_stride);
    return;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kCols; ++j) a.y[(t + i) * a.y_stride + n + j] = vec_sum(sums[i][j]);
  }
}

// All columns for kRows rows from t on.
template <typename Stored, int kRows, int kCols, typename Weights, typename Args>
inline void matmul_rows(const Args& a, int64_t t, int64_t n_begin, int64_t n_end) {
  int64_t n = n_begin;
  for (; n + kCols <= n_end; n += kCols) matmul_tile<Stored, kRows, kCols, Weights>(a, t, n);
  for (; n < n_end; ++n) matmul_tile<Stored, kRows, 1, Weights>(a, t, n);
}

// All columns for row t: enough chains to hide the latency of sums, as few streams as the memory likes.
template <typename Stored, typename Weights, typename Args>
inline void matmul_row(const Args& a, int64_t t, int64_t n_begin, int64_t n_end) {
  if (a.reading.side_by_side >= 6) return matmul_rows<Stored, 1, 6, Weights>(a, t, n_begin, n_end);
  if (a.reading.side_by_side >= 4) return matmul_rows<Stored, 1, 4, Weights>(a, t, n_begin, n_end);
  if (a.reading.side_by_side >= 2) return matmul_rows<Stored, 1, 2, Weights>(a, t, n_begin, n_end);
  return matmul_rows<Stored, 1, 1, Weights>(a, t, n_begin, n_end);
}

// Up to kTileRows rows from t on.
template <typename Stored, typename Weights, typename Args>
inline void matmul_some_rows(const Args& a, int64_t t, int64_t rows, int64_t n_begin, int64_t n_end) {
  static_assert(kTileRows <= 4);
  switch (rows) {
    case 1:
      return matmul_row<Stored, Weights>(a, t, n_begin, n_end);
    case 2:
      return matmul_rows<Stored, 2, kTileColumns, Weights>(a, t, n_begin, n_end);
    case 3:
      return matmul_rows<Stored, 3, kTileColumns, Weights>(a, t, n_begin, n_end);
    case 4:
      return matmul_rows<Stored, 4, kTileColumns, Weights>(a, t, n_begin, n_end);
  }
}

template <typename Stored, typename Args>
void matmul_stored(const Args& a, int64_t n_begin, int64_t n_end) {
  // How far ahead is a constant: with many sums there is no register left for it.
  const auto from_memory = [&](int64_t t, int64_t rows, int64_t begin, int64_t end) {
    const int32_t ahead = a.reading.bytes_ahead;
    if (ahead == 0) return matmul_some_rows<Stored, Unfetched>(a, t, rows, begin, end);
    if (rows == 1 && ahead < 4608) return matmul_row<Stored, Fetched<1024>>(a, t, begin, end);
    return matmul_some_rows<Stored, Fetched<4608>>(a, t, rows, begin, end);
  };
  if (a.rows <= kTileRows) return from_memory(0, a.rows, n_begin, n_end);
  if (worth_blocking<Stored>(a)) return matmul_blocked<Stored>(a, n_begin, n_end);
  // Some rows stay in the second cache while all columns of w pass by; a few of these stay in the nearest,
  // beside a tile's rows, while those rows pass by.
  constexpr int64_t kRowsBytes = 1 << 20;
  constexpr int64_t kColumnBytes = 20480;
  const int64_t rows_that_fit = kRowsBytes / (a.w.cols * (int64_t)sizeof *a.x + 1) / kTileRows * kTileRows;
  const int64_t rows_at_once = rows_that_fit < 8 * kTileRows ? 8 * kTileRows : rows_that_fit;
  const int64_t fitting = kColumnBytes / (a.w.cols * Stored::kBytes + 1) / kTileColumns * kTileColumns;
  const int64_t columns_at_once = fitting < kTileColumns ? kTileColumns : fitting < 16 ? fitting : 16;
  for (int64_t first = 0; first < a.rows; first += rows_at_once) {
    const int64_t t_end = first + rows_at_once < a.rows ? first + rows_at_once : a.rows;
    for (int64_t n = n_begin; n < n_end; n += columns_at_once) {
      const int64_t end = n + columns_at_once < n_end ? n + columns_at_once : n_end;
      const auto some_rows = [&](int64_t t) { return t + kTileRows < t_end ? kTileRows : t_end - t; };
      from_memory(first, some_rows(first), n, end);
      for (int64_t t = first + kTileRows; t < t_end; t += kTileRows) {
        matmul_some_rows<Stored, Unfetched>(a, t, some_rows(t), n, end);
      }
    }
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
