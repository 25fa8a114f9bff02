// Whole-number sums of a block for AVX2 alone, as pairs of products in 16 bits.
//
// Bounds. q4: a pair of products of codes 0..15 and -127..127 is at most 2 * 15 * 127 = 3810, and the eight
// pairs of a lane add up to at most 30480 in 16 bits. q8: magnitudes within 127, a pair at most 2 * 127 * 127
// = 32258.
#pragma once

#include <string.h>

namespace {

inline __m256i four_codes(const int8_t* p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  __m256i all = _mm256_set1_epi32(quad);
  asm("" : "+x"(all));  // loaded once for all vectors of rows
  return all;
}

// Whole-number sums of one block: kVecs vectors of eight rows, whose codes begin at `codes`, and kRows
// activations.
template <int kRows, int kVecs>
inline void block_sums_q4(const uint8_t* const* codes, const int8_t* const* x, const int32_t* start,
                          __m256i (*sums)[kVecs]) {
  const __m256i low_half = _mm256_set1_epi8(15);
  __m256i pairs[kRows][kVecs];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) pairs[i][v] = _mm256_setzero_si256();
  }
  for (int64_t q = 0; q < 4; ++q) {
    __m256i low[kVecs], high[kVecs];
    for (int v = 0; v < kVecs; ++v) {
      const __m256i both = _mm256_loadu_si256((const __m256i*)(codes[v] + 64 * q));
      low[v] = _mm256_and_si256(both, low_half);
      high[v] = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half);
    }
    for (int i = 0; i < kRows; ++i) {
      const __m256i first = four_codes(x[i] + 4 * q);
      const __m256i second = four_codes(x[i] + 16 + 4 * q);
      for (int v = 0; v < kVecs; ++v) {
        const __m256i two =
            _mm256_add_epi16(_mm256_maddubs_epi16(low[v], first), _mm256_maddubs_epi16(high[v], second));
        pairs[i][v] = _mm256_add_epi16(pairs[i][v], two);
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) {
      sums[i][v] =
          _mm256_add_epi32(_mm256_madd_epi16(pairs[i][v], _mm256_set1_epi16(1)), _mm256_set1_epi32(start[i]));
    }
  }
}

template <int kRows, int kVecs>
inline void block_sums_q8(const uint8_t* const* codes, const int8_t* const* x, __m256i (*sums)[kVecs]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) sums[i][v] = _mm256_setzero_si256();
  }
  for (int64_t q = 0; q < 8; ++q) {
    __m256i w[kVecs], magnitude[kVecs];
    for (int v = 0; v < kVecs; ++v) {
      w[v] = _mm256_loadu_si256((const __m256i*)(codes[v] + 64 * q));
      magnitude[v] = _mm256_abs_epi8(w[v]);
    }
    for (int i = 0; i < kRows; ++i) {
      const __m256i four = four_codes(x[i] + 4 * q);
      for (int v = 0; v < kVecs; ++v) {
        const __m256i pairs = _mm256_maddubs_epi16(magnitude[v], _mm256_sign_epi8(four, w[v]));
        sums[i][v] = _mm256_add_epi32(sums[i][v], _mm256_madd_epi16(pairs, ones));
      }
    }
  }
}

}  // namespace
