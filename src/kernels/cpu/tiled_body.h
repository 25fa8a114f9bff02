// Products with matrices in tiles (quant/format.h: q8 and q4), written once over the vector vocabulary, with
// float32 activations. Lanes are rows of the matrix: neighbouring outputs side by side, each with its own
// sum.
//
// For every output: a block of 64 columns is summed as two halves in ascending k, their sum is multiplied by
// the scale and added to what came before. The order depends on nothing but the number of columns.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::MatmulArgs;
using nestor::quant::kBandRows;
using nestor::quant::kTileDepth;
using nestor::quant::kTileScaleBytes;

constexpr int64_t kTiledSteps = kTileDepth / 8;  // of four columns in each half of a block

struct TiledQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  // Codes of kLanes rows at column 4 q + j of the first or the second half of a block; `codes` at the first
  // row.
  template <int j>
  static inline Vec first_half(const uint8_t* codes, int64_t q) {
    return vec_signed_byte<j>(codes + q * 64);
  }
  template <int j>
  static inline Vec second_half(const uint8_t* codes, int64_t q) {
    return vec_signed_byte<j>(codes + (q + kTiledSteps) * 64);
  }
  // The codes of one row, as bytes that mean themselves minus `kOffset`.
  static constexpr float kOffset = 0;
  static inline void gather_row(const uint8_t* codes, uint8_t* out) {
    for (int64_t q = 0; q < 2 * kTiledSteps; ++q) memcpy(out + 4 * q, codes + 64 * q, 4);
  }
};

struct TiledQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  template <int j>
  static inline Vec first_half(const uint8_t* codes, int64_t q) {
    return vec_nibble<8 * j>(codes + q * 64);
  }
  template <int j>
  static inline Vec second_half(const uint8_t* codes, int64_t q) {
    return vec_nibble<8 * j + 4>(codes + q * 64);
  }
  static constexpr float kOffset = 8;
  static inline void gather_row(const uint8_t* codes, uint8_t* out) {
    for (int64_t q = 0; q < kTiledSteps; ++q) {
      uint32_t quad;
      memcpy(&quad, codes + 64 * q, 4);
      const uint32_t low = quad & 0x0F0F0F0FU;
      const uint32_t high = (quad >> 4) & 0x0F0F0F0FU;
      memcpy(out + 4 * q, &low, 4);
      memcpy(out + kTileDepth / 2 + 4 * q, &high, 4);
    }
  }
};

template <typename Tiled, int j, int kRows>
inline void tiled_column(const uint8_t* codes, int64_t q, const float* const* x, Vec (*halves)[2]) {
  const Vec first = Tiled::template first_half<j>(codes, q);
  const Vec second = Tiled::template second_half<j>(codes, q);
  for (int i = 0; i < kRows; ++i) {
    halves[i][0] = vec_fma(vec_set(x[i][4 * q + j]), first, halves[i][0]);
    halves[i][1] = vec_fma(vec_set(x[i][kTileDepth / 2 + 4 * q + j]), second, halves[i][1]);
  }
}

// sums[i] [kLanes] for the rows `row`.. of the whole matrix and activations t + i.
template <typename Tiled, int kRows>
inline void tiled_sums(const MatmulArgs& a, int64_t t, int64_t row, Vec* sums) {
  const uint8_t* tile = a.w.data + row / kBandRows * a.w.row_bytes;
  const int64_t lane = row % kBandRows;
  for (int i = 0; i < kRows; ++i) sums[i] = vec_zero();
  for (int64_t k = 0; k < a.w.cols; k += kTileDepth, tile += Tiled::kBytes) {
    const float* x[kRows];
    float padded[kRows][kTileDepth];
    const int64_t count = a.w.cols - k;
    for (int i = 0; i < kRows; ++i) {
      x[i] = a.x + (t + i) * a.x_stride + k;
      if (count < kTileDepth) {  // what a tile holds beyond the matrix is zero; the activations end
        memset(padded[i], 0, sizeof padded[i]);
        memcpy(padded[i], x[i], (size_t)count * sizeof(float));
        x[i] = padded[i];
      }
    }
    Vec halves[kRows][2];
    for (int i = 0; i < kRows; ++i) halves[i][0] = halves[i][1] = vec_zero();
    const uint8_t* codes = tile + kTileScaleBytes + 4 * lane;
    for (int64_t q = 0; q < kTiledSteps; ++q) {
      tiled_column<Tiled, 0, kRows>(codes, q, x, halves);
      tiled_column<Tiled, 1, kRows>(codes, q, x, halves);
      tiled_column<Tiled, 2, kRows>(codes, q, x, halves);
      tiled_column<Tiled, 3, kRows>(codes, q, x, halves);
    }
    const Vec scale = load_bf16(tile + 2 * lane);
    for (int i = 0; i < kRows; ++i) sums[i] = vec_fma(scale, vec_add(halves[i][0], halves[i][1]), sums[i]);
  }
}

// Lanes [first, end) of `sums` to y + first - lane 0 standing for output n (which may lie before the range).
inline void store_lanes(float* y, Vec sums, int64_t n, int64_t n_begin, int64_t n_end) {
  if (n >= n_begin && n + kLanes <= n_end) {
    vec_store(y + n, sums);
    return;
  }
  float lanes[kLanes];
  vec_store(lanes, sums);
  for (int64_t i = 0; i < kLanes; ++i) {
    if (n + i >= n_begin && n + i < n_end) y[n + i] = lanes[i];
  }
}

template <typename Tiled, int kRows>
inline void tiled_rows(const MatmulArgs& a, int64_t t, int64_t row, int64_t n_begin, int64_t n_end) {
  Vec sums[kRows];
  tiled_sums<Tiled, kRows>(a, t, row, sums);
  for (int i = 0; i < kRows; ++i) {
    store_lanes(a.y + (t + i) * a.y_stride, sums[i], row - a.w.first_row, n_begin, n_end);
  }
}

template <typename Tiled>
void matmul_tiled(const MatmulArgs& a, int64_t n_begin, int64_t n_end) {
  constexpr int kRowsAtOnce = 4;
  const int64_t end = a.w.first_row + n_end;
  for (int64_t row = (a.w.first_row + n_begin) / kLanes * kLanes; row < end; row += kLanes) {
    int64_t t = 0;
    for (; t + kRowsAtOnce <= a.rows; t += kRowsAtOnce)
      tiled_rows<Tiled, kRowsAtOnce>(a, t, row, n_begin, n_end);
    for (; t < a.rows; ++t) tiled_rows<Tiled, 1>(a, t, row, n_begin, n_end);
  }
}

// The codes of one row of a tile, each plus the offset of its format, and its scale.
struct RowCodes {
  uint8_t codes[kTileDepth];
  float scale;
};

template <typename Tiled>
inline void gather_codes(const nestor::quant::MatrixView& m, int64_t row, int64_t block, RowCodes* to) {
  const int64_t at = m.first_row + row;
  const uint8_t* tile = m.data + at / kBandRows * m.row_bytes + block * Tiled::kBytes;
  const int64_t lane = at % kBandRows;
  Tiled::gather_row(tile + kTileScaleBytes + 4 * lane, to->codes);
  uint16_t stored;
  memcpy(&stored, tile + 2 * lane, sizeof stored);
  const uint32_t bits = (uint32_t)stored << 16;
  memcpy(&to->scale, &bits, sizeof to->scale);
}

// Their values: codes minus the offset, times the scale.
template <typename Tiled>
inline void values_of(const RowCodes& row, Vec* values) {
  for (int64_t i = 0; i < kTileDepth / kLanes; ++i) {
    const Vec codes = vec_sub(vec_signed_bytes(row.codes + i * kLanes), vec_set(Tiled::kOffset));
    values[i] = vec_mul(vec_set(row.scale), codes);
  }
}

template <typename Tiled>
void widen_tiled(const nestor::kernels::WidenArgs& a, int64_t begin, int64_t end) {
  constexpr int64_t kVecs = kTileDepth / kLanes;
  for (int64_t block = begin / kTileDepth; block * kTileDepth < end; ++block) {
    RowCodes codes;
    gather_codes<Tiled>(a.w, a.row, block, &codes);
    Vec values[kVecs];
    values_of<Tiled>(codes, values);
    float row[kTileDepth];
    for (int64_t j = 0; j < kVecs; ++j) vec_store(row + j * kLanes, values[j]);
    for (int64_t i = 0; i < kTileDepth; ++i) {
      const int64_t at = block * kTileDepth + i;
      if (at >= begin && at < end) a.y[at] = row[i];
    }
  }
}

}  // namespace
