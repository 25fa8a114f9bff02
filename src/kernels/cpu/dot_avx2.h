// Dot products of four bytes for AVX2 alone, as pairs of products in 16 bits.
//
// Bounds. q4: a pair of products of codes 0..15 and -127..127 is at most 2 * 15 * 127 = 3810, and the eight
// pairs that half a block has in a lane add up to at most 30480 in 16 bits. q8: magnitudes within 127, a pair
// at most 2 * 127 * 127 = 32258.
#pragma once

namespace {

inline __m256i add_pairs(__m256i sums, __m256i pairs) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

// Half a block of q4 stays in pairs until its end.
inline __m256i begin_q4(__m256i) { return _mm256_setzero_si256(); }
inline __m256i add_q4(__m256i pairs, __m256i w, __m256i x) {
  return _mm256_add_epi16(pairs, _mm256_maddubs_epi16(w, x));
}
inline __m256i end_q4(__m256i sums, __m256i pairs) { return add_pairs(sums, pairs); }

// Signs go over from the weights to the activations.
constexpr int32_t kOffsetQ8 = 0;
inline __m256i codes_q8(__m256i stored) { return stored; }
inline __m256i dot_q8(__m256i sums, __m256i w, __m256i x) {
  return add_pairs(sums, _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)));
}

// Activations that a pass takes: sums of pairs want registers of their own.
constexpr int64_t kPassRowsQ8 = 4, kPassRowsQ4 = 4;

}  // namespace
