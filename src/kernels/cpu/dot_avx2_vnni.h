// Dot products of four bytes for AVX2 with VNNI: unsigned weights times signed activations.
#pragma once

namespace {

inline __m256i begin_q4(__m256i sums) { return sums; }
inline __m256i add_q4(__m256i sums, __m256i w, __m256i x) { return _mm256_dpbusd_avx_epi32(sums, w, x); }
inline __m256i end_q4(__m256i, __m256i with_half) { return with_half; }

inline __m256i add_q8(__m256i sums, __m256i magnitude, __m256i x) {
  return _mm256_dpbusd_avx_epi32(sums, magnitude, x);
}

}  // namespace
