// Turns a tile for products that sum over its rows, for AVX2: codes of four rows of a column side by side,
// with kOffsetQ8 added. Columns go to four panels (coded_panels_body.h), 16 to each, `stride` bytes from one
// to the next; row i of 64 bytes has rows 4 i to 4 i + 3 of the tile, column after column.
#pragma once

namespace {

// Rows 4 i to 4 i + 3, columns 4 c to 4 c + 3, in the order of the tile, to where they belong.
inline void turn_sixteen(__m128i codes, int64_t c, uint8_t* to, int64_t stride) {
  const __m128i by_column = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m128i four = _mm_shuffle_epi8(codes, by_column);
  _mm_storeu_si128((__m128i*)(to + c / 4 * stride + c % 4 * 16),
                   _mm_xor_si128(four, _mm_set1_epi8((char)kOffsetQ8)));
}

struct TurnQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  static inline void band(const uint8_t* codes, uint8_t* to, int64_t stride) {
    for (int64_t i = 0; i < kBandRows / 4; ++i) {
      for (int64_t c = 0; c < kTileDepth / 4; ++c)
        turn_sixteen(_mm_loadu_si128((const __m128i*)(codes + 64 * c + 16 * i)), c, to + 64 * i, stride);
    }
  }
};

struct TurnQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  static inline void band(const uint8_t* codes, uint8_t* to, int64_t stride) {
    const __m128i low_half = _mm_set1_epi8(15);
    const __m128i eight = _mm_set1_epi8(8);
    for (int64_t i = 0; i < kBandRows / 4; ++i) {
      for (int64_t c = 0; c < kTiledSteps; ++c) {
        const __m128i both = _mm_loadu_si128((const __m128i*)(codes + 64 * c + 16 * i));
        const __m128i high = _mm_srli_epi16(both, 4);
        turn_sixteen(_mm_sub_epi8(_mm_and_si128(both, low_half), eight), c, to + 64 * i, stride);
        turn_sixteen(_mm_sub_epi8(_mm_and_si128(high, low_half), eight), c + kTiledSteps, to + 64 * i,
                     stride);
      }
    }
  }
};

}  // namespace
