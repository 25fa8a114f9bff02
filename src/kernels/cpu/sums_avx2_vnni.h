// Whole-number sums of a block for AVX2 with VNNI: dot products of four unsigned weights and four signed
// activations, so signs of q8 go over to the activations.
#pragma once

#include <string.h>

namespace {

inline __m256i four_codes(const int8_t* p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  return _mm256_set1_epi32(quad);
}

// Whole-number sums of one block for eight rows and kRows activations.
template <int kRows>
inline void block_sums_q4(const uint8_t* codes, const int8_t* const* x, const int32_t* start, __m256i* sums) {
  const __m256i low_half = _mm256_set1_epi8(15);
  for (int i = 0; i < kRows; ++i) sums[i] = _mm256_set1_epi32(start[i]);
  for (int64_t q = 0; q < 4; ++q) {
    const __m256i both = _mm256_loadu_si256((const __m256i*)(codes + 64 * q));
    const __m256i low = _mm256_and_si256(both, low_half);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half);
    for (int i = 0; i < kRows; ++i) {
      sums[i] = _mm256_dpbusd_avx_epi32(sums[i], low, four_codes(x[i] + 4 * q));
      sums[i] = _mm256_dpbusd_avx_epi32(sums[i], high, four_codes(x[i] + 16 + 4 * q));
    }
  }
}

template <int kRows>
inline void block_sums_q8(const uint8_t* codes, const int8_t* const* x, __m256i* sums) {
  for (int i = 0; i < kRows; ++i) sums[i] = _mm256_setzero_si256();
  for (int64_t q = 0; q < 8; ++q) {
    const __m256i w = _mm256_loadu_si256((const __m256i*)(codes + 64 * q));
    const __m256i magnitude = _mm256_abs_epi8(w);
    for (int i = 0; i < kRows; ++i) {
      const __m256i turned = _mm256_sign_epi8(four_codes(x[i] + 4 * q), w);
      sums[i] = _mm256_dpbusd_avx_epi32(sums[i], magnitude, turned);
    }
  }
}

}  // namespace
