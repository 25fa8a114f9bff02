// y[t, n] = sum_k x[t, k] * w[n, k] for many rows and long sums. Some columns of the weights are put together
// as the vectors that are multiplied, a piece of k at a time, so that all a tile needs lies in the first
// cache; sums of tiles wait for the next piece as the vectors that they are. An output is therefore added up
// as in matmul_body.h, to the bit.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::MatmulArgs;

constexpr int64_t kBlockSteps = 512 / kLanes;  // vectors of a column
constexpr int64_t kBlockColumns = 16;
constexpr int64_t kBlockRows = 32 * kTileRows;
static_assert(kBlockColumns % kTileColumns == 0);

// One column of a block, zero beyond the depth that there is; columns are not whole pages apart.
struct BlockColumn {
  alignas(64) float at[kBlockSteps * kLanes + 16];
};

struct TileSums {
  alignas(64) Vec at[kBlockRows / kTileRows][kBlockColumns / kTileColumns][kTileRows][kTileColumns];
};

// What one call of blocked_columns works on: rows [t, t + rows), columns [n, n + columns).
struct Block {
  int64_t t, rows;
  int64_t n, columns;
};

template <typename Stored, typename Args>
inline void put_columns_together(const Args& a, const Block& block, int64_t first, int64_t depth,
                                 BlockColumn* to) {
  static_assert(!Stored::kScaled || nestor::quant::kScaleBlock % Stored::kStep == 0);
  for (int64_t j = 0; j < kBlockColumns; ++j) {
    float* out = to[j].at;
    if (j >= block.columns) {
      memset(out, 0, sizeof to[j].at);
      continue;
    }
    const uint8_t* w = a.w.data + (block.n + j) * a.w.row_bytes + first * Stored::kBytes;
    for (int64_t k = 0; k < depth; k += Stored::kStep, out += kLanes) {
      const int64_t left = depth - k;
      Vec weight = left >= Stored::kStep ? Stored::load(w + k * Stored::kBytes)
                                         : Stored::load_part(w + k * Stored::kBytes, left);
      if constexpr (Stored::kScaled) weight = vec_mul(weight, vec_set(scale_at(a.w, block.n + j, first + k)));
      vec_store(out, weight);
    }
  }
}

template <typename Stored, int kRows>
inline void blocked_tile(const typename Stored::Activation* x, int64_t x_stride, const BlockColumn* w,
                         int64_t depth, bool first, Vec (*sums_at)[kTileColumns]) {
  Vec sums[kRows][kTileColumns];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kTileColumns; ++j) sums[i][j] = first ? vec_zero() : sums_at[i][j];
  }
  int64_t k = 0, at = 0;
  for (; k + Stored::kStep <= depth; k += Stored::kStep, at += kLanes) {
    Vec weights[kTileColumns];
    for (int j = 0; j < kTileColumns; ++j) weights[j] = vec_load(w[j].at + at);
    for (int i = 0; i < kRows; ++i) {
      const Vec activation = Stored::activations(x + i * x_stride + k);
      for (int j = 0; j < kTileColumns; ++j)
        sums[i][j] = Stored::add_products(activation, weights[j], sums[i][j]);
    }
  }
  if (k < depth) {
    for (int i = 0; i < kRows; ++i) {
      const Vec activation = Stored::activations_part(x + i * x_stride + k, depth - k);
      for (int j = 0; j < kTileColumns; ++j)
        sums[i][j] = Stored::add_products(activation, vec_load(w[j].at + at), sums[i][j]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kTileColumns; ++j) sums_at[i][j] = sums[i][j];
  }
}

// Up to kTileRows rows of x against all columns that were put together.
template <typename Stored>
inline void blocked_rows(const typename Stored::Activation* x, int64_t x_stride, int64_t rows,
                         const BlockColumn* w, int64_t columns, int64_t depth, bool first,
                         Vec (*sums_at)[kTileRows][kTileColumns]) {
  for (int64_t j = 0; j < columns; j += kTileColumns) {
    Vec(*sums)[kTileColumns] = sums_at[j / kTileColumns];
    if (rows >= kTileRows) {
      blocked_tile<Stored, kTileRows>(x, x_stride, w + j, depth, first, sums);
    } else {
      for (int64_t i = 0; i < rows; ++i)
        blocked_tile<Stored, 1>(x + i * x_stride, x_stride, w + j, depth, first, sums + i);
    }
  }
}

template <typename Args>
inline void store_tile(const Args& a, int64_t t, int64_t rows, int64_t n, int64_t columns,
                       const Vec (*sums)[kTileColumns]) {
  if (rows == kTileRows && columns == kTileColumns)
    return store_tile_sums(sums, a.y + t * a.y_stride + n, a.y_stride);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) a.y[(t + i) * a.y_stride + n + j] = vec_sum(sums[i][j]);
  }
}

// What the next piece of k is made of comes to the second cache while this one is multiplied: columns
// `group`, `group` + `groups` and so on.
template <typename Stored, typename Args>
inline void fetch_columns(const Args& a, const Block& block, int64_t first, int64_t group, int64_t groups) {
  for (int64_t j = group; j < block.columns; j += groups) {
    const uint8_t* w = a.w.data + (block.n + j) * a.w.row_bytes + first * Stored::kBytes;
    for (int64_t byte = 0; byte < kBlockSteps * Stored::kStep * Stored::kBytes; byte += 64)
      _mm_prefetch((const char*)(w + byte), _MM_HINT_T1);
  }
}

template <typename Stored, typename Args>
inline void blocked_columns(const Args& a, const Block& block) {
  constexpr int64_t kBlockDepth = kBlockSteps * Stored::kStep;
  BlockColumn w[kBlockColumns];
  TileSums sums;
  const int64_t groups = (block.rows + kTileRows - 1) / kTileRows;
  const auto rows_of = [&](int64_t group) {
    return (group + 1) * kTileRows <= block.rows ? (int64_t)kTileRows : block.rows - group * kTileRows;
  };
  for (int64_t first = 0; first < a.w.cols; first += kBlockDepth) {
    const int64_t depth = a.w.cols - first < kBlockDepth ? a.w.cols - first : kBlockDepth;
    put_columns_together<Stored>(a, block, first, depth, w);
    for (int64_t group = 0; group < groups; ++group) {
      fetch_columns<Stored>(a, block, first + kBlockDepth, group, groups);
      const auto* x = a.x + (block.t + group * kTileRows) * a.x_stride + first;
      blocked_rows<Stored>(x, a.x_stride, rows_of(group), w, block.columns, depth, first == 0,
                           sums.at[group]);
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
// a column that was put together.
template <typename Stored, typename Args>
inline bool worth_blocking(const Args& a) {
  return a.rows >= 4 * kTileRows && a.w.cols >= 2 * kBlockSteps * Stored::kStep;
}

template <typename Stored, typename Args>
void matmul_blocked(const Args& a, int64_t n_begin, int64_t n_end) {
  for (int64_t t = 0; t < a.rows; t += kBlockRows) {
    const int64_t rows = a.rows - t < kBlockRows ? a.rows - t : kBlockRows;
    for (int64_t n = n_begin; n < n_end; n += kBlockColumns)
      blocked_columns<Stored>(a, {t, rows, n, n_end - n < kBlockColumns ? n_end - n : kBlockColumns});
  }
}

}  // namespace
