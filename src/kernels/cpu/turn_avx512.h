// Turns a tile for products that sum over its rows, for AVX-512: codes of four rows of a column side by side,
// with kOffsetQ8 added. Columns go to four panels (coded_panels_body.h), 16 to each, `stride` bytes from one
// to the next; row i of 64 bytes has rows 4 i to 4 i + 3 of the tile, column after column.
#pragma once

namespace {

// Sixteen rows and sixteen columns, four in each vector, in the order of the tile: quarter i of each has rows
// 4 i to 4 i + 3.
inline void turn_columns(const __m512i (&columns)[4], uint8_t* to) {
  const __m512i by_column =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  const __m512i offset = _mm512_set1_epi8((char)kOffsetQ8);
  __m512i v[4];
  for (int c = 0; c < 4; ++c) v[c] = _mm512_xor_si512(_mm512_shuffle_epi8(columns[c], by_column), offset);
  const __m512i rows01_low = _mm512_shuffle_i32x4(v[0], v[1], 0x44);
  const __m512i rows01_high = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
  const __m512i rows23_low = _mm512_shuffle_i32x4(v[0], v[1], 0xEE);
  const __m512i rows23_high = _mm512_shuffle_i32x4(v[2], v[3], 0xEE);
  _mm512_store_si512(to, _mm512_shuffle_i32x4(rows01_low, rows01_high, 0x88));
  _mm512_store_si512(to + 64, _mm512_shuffle_i32x4(rows01_low, rows01_high, 0xDD));
  _mm512_store_si512(to + 128, _mm512_shuffle_i32x4(rows23_low, rows23_high, 0x88));
  _mm512_store_si512(to + 192, _mm512_shuffle_i32x4(rows23_low, rows23_high, 0xDD));
}

struct TurnQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  static inline void band(const uint8_t* codes, uint8_t* to, int64_t stride) {
    for (int64_t j = 0; j < kTileDepth / kBandRows; ++j) {
      __m512i columns[4];
      for (int64_t c = 0; c < 4; ++c) columns[c] = _mm512_loadu_si512(codes + 64 * (4 * j + c));
      turn_columns(columns, to + j * stride);
    }
  }
};

struct TurnQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  static inline void band(const uint8_t* codes, uint8_t* to, int64_t stride) {
    const __m512i low_half = _mm512_set1_epi8(15);
    const __m512i eight = _mm512_set1_epi8(8);
    for (int64_t j = 0; j < kTiledSteps / 4; ++j) {
      __m512i low[4], high[4];
      for (int64_t c = 0; c < 4; ++c) {
        const __m512i both = _mm512_loadu_si512(codes + 64 * (4 * j + c));
        low[c] = _mm512_sub_epi8(_mm512_and_si512(both, low_half), eight);
        high[c] = _mm512_sub_epi8(_mm512_and_si512(_mm512_srli_epi16(both, 4), low_half), eight);
      }
      turn_columns(low, to + j * stride);
      turn_columns(high, to + (j + kTiledSteps / 4) * stride);
    }
  }
};

}  // namespace
