// y[t, n] = sum_k x[t, k] * w[n, k] for many rows and long sums. Some columns of the weights are widened to
// float32, a piece of k at a time, so that all a tile needs lies in the first cache; sums of tiles wait for
// the next piece as the vectors that they are. An output is therefore added up as in matmul_body.h, to the
// bit.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::MatmulArgs;

constexpr int64_t kBlockDepth = 512;
constexpr int64_t kBlockColumns = 16;
constexpr int64_t kBlockRows = 32 * kTileRows;
static_assert(kBlockColumns % kTileColumns == 0 && kBlockDepth % nestor::quant::kScaleBlock == 0);

// Zero beyond the columns and the depth that there are. Not whole pages apart.
struct WidenedColumns {
  alignas(64) float at[kBlockColumns][kBlockDepth + 16];
};

struct TileSums {
  alignas(64) Vec at[kBlockRows / kTileRows][kBlockColumns / kTileColumns][kTileRows][kTileColumns];
};

// What one call of blocked_columns works on: rows [t, t + rows), columns [n, n + columns).
struct Block {
  int64_t t, rows;
  int64_t n, columns;
};

template <typename Stored>
inline void widen_columns(const MatmulArgs& a, const Block& block, int64_t first, int64_t depth,
                          WidenedColumns* to) {
  for (int64_t j = 0; j < kBlockColumns; ++j) {
    float* out = to->at[j];
    if (j >= block.columns) {
      memset(out, 0, sizeof to->at[j]);
      continue;
    }
    const uint8_t* w = a.w.data + (block.n + j) * a.w.row_bytes + first * Stored::kBytes;
    for (int64_t k = 0; k < depth; k += kLanes) {
      const int64_t left = depth - k;
      Vec weight = left >= kLanes ? Stored::load(w + k * Stored::kBytes)
                                  : Stored::load_part(w + k * Stored::kBytes, left);
      if constexpr (Stored::kScaled) weight = vec_mul(weight, vec_set(scale_at(a.w, block.n + j, first + k)));
      vec_store(out + k, weight);
    }
  }
}

template <int kRows>
inline void blocked_tile(const float* x, int64_t x_stride, const float (*w)[kBlockDepth + 16], int64_t depth,
                         bool first, Vec (*sums_at)[kTileColumns]) {
  Vec sums[kRows][kTileColumns];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kTileColumns; ++j) sums[i][j] = first ? vec_zero() : sums_at[i][j];
  }
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    Vec weights[kTileColumns];
    for (int j = 0; j < kTileColumns; ++j) weights[j] = vec_load(w[j] + k);
    for (int i = 0; i < kRows; ++i) {
      const Vec activation = vec_load(x + i * x_stride + k);
      for (int j = 0; j < kTileColumns; ++j) sums[i][j] = vec_fma(activation, weights[j], sums[i][j]);
    }
  }
  if (k < depth) {
    for (int i = 0; i < kRows; ++i) {
      const Vec activation = vec_load_part(x + i * x_stride + k, depth - k);
      for (int j = 0; j < kTileColumns; ++j) sums[i][j] = vec_fma(activation, vec_load(w[j] + k), sums[i][j]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kTileColumns; ++j) sums_at[i][j] = sums[i][j];
  }
}

// Up to kTileRows rows of x against all widened columns.
inline void blocked_rows(const float* x, int64_t x_stride, int64_t rows, const WidenedColumns& w,
                         int64_t columns, int64_t depth, bool first,
                         Vec (*sums_at)[kTileRows][kTileColumns]) {
  for (int64_t j = 0; j < columns; j += kTileColumns) {
    Vec(*sums)[kTileColumns] = sums_at[j / kTileColumns];
    if (rows >= kTileRows) {
      blocked_tile<kTileRows>(x, x_stride, w.at + j, depth, first, sums);
    } else {
      for (int64_t i = 0; i < rows; ++i)
        blocked_tile<1>(x + i * x_stride, x_stride, w.at + j, depth, first, sums + i);
    }
  }
}

inline void store_tile(const MatmulArgs& a, int64_t t, int64_t rows, int64_t n, int64_t columns,
                       const Vec (*sums)[kTileColumns]) {
  if (rows == kTileRows && columns == kTileColumns)
    return store_tile_sums(sums, a.y + t * a.y_stride + n, a.y_stride);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) a.y[(t + i) * a.y_stride + n + j] = vec_sum(sums[i][j]);
  }
}

// What the next piece of k is made of comes to the second cache while this one is multiplied: columns
// `group`, `group` + `groups` and so on.
template <typename Stored>
inline void fetch_columns(const MatmulArgs& a, const Block& block, int64_t first, int64_t group,
                          int64_t groups) {
  for (int64_t j = group; j < block.columns; j += groups) {
    const uint8_t* w = a.w.data + (block.n + j) * a.w.row_bytes + first * Stored::kBytes;
    for (int64_t byte = 0; byte < kBlockDepth * Stored::kBytes; byte += 64)
      _mm_prefetch((const char*)(w + byte), _MM_HINT_T1);
  }
}

template <typename Stored>
inline void blocked_columns(const MatmulArgs& a, const Block& block) {
  WidenedColumns w;
  TileSums sums;
  const int64_t groups = (block.rows + kTileRows - 1) / kTileRows;
  const auto rows_of = [&](int64_t group) {
    return (group + 1) * kTileRows <= block.rows ? (int64_t)kTileRows : block.rows - group * kTileRows;
  };
  for (int64_t first = 0; first < a.w.cols; first += kBlockDepth) {
    const int64_t depth = a.w.cols - first < kBlockDepth ? a.w.cols - first : kBlockDepth;
    widen_columns<Stored>(a, block, first, depth, &w);
    for (int64_t group = 0; group < groups; ++group) {
      fetch_columns<Stored>(a, block, first + kBlockDepth, group, groups);
      const float* x = a.x + (block.t + group * kTileRows) * a.x_stride + first;
      blocked_rows(x, a.x_stride, rows_of(group), w, block.columns, depth, first == 0, sums.at[group]);
    }
  }
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t j = 0; j < block.columns; j += kTileColumns) {
      const int64_t columns = block.columns - j < kTileColumns ? block.columns - j : kTileColumns;
      store_tile(a, block.t + group * kTileRows, rows_of(group), block.n + j, columns,
                 sums.at[group][j / kTileColumns]);
    }
  }
}

// Whether it pays: sums that a tile's rows and columns are too long for the first cache, and rows that share
// a widened column.
inline bool worth_blocking(const MatmulArgs& a) {
  return a.rows >= 4 * kTileRows && a.w.cols >= 2 * kBlockDepth;
}

template <typename Stored>
void matmul_blocked(const MatmulArgs& a, int64_t n_begin, int64_t n_end) {
  for (int64_t t = 0; t < a.rows; t += kBlockRows) {
    const int64_t rows = a.rows - t < kBlockRows ? a.rows - t : kBlockRows;
    for (int64_t n = n_begin; n < n_end; n += kBlockColumns)
      blocked_columns<Stored>(a, {t, rows, n, n_end - n < kBlockColumns ? n_end - n : kBlockColumns});
  }
}

}  // namespace
