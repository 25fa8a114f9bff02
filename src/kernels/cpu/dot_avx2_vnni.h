// Dot products of four bytes for AVX2 with VNNI: unsigned weights times signed activations, so codes of q8
// get 128 added.
#pragma once

namespace {

// Written out, because g++ 12 copies every sum to another register and back around the intrinsic.
inline __m256i dot_bytes(__m256i sums, __m256i w, __m256i x) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(w), "x"(x));
  return sums;
}

inline __m256i begin_q4(__m256i sums) { return sums; }
inline __m256i add_q4(__m256i sums, __m256i w, __m256i x) { return dot_bytes(sums, w, x); }
inline __m256i end_q4(__m256i, __m256i with_half) { return with_half; }

constexpr int32_t kOffsetQ8 = 128;
inline __m256i codes_q8(__m256i stored) { return _mm256_xor_si256(stored, _mm256_set1_epi8((char)0x80)); }
inline __m256i dot_q8(__m256i sums, __m256i w, __m256i x) { return dot_bytes(sums, w, x); }

// Activations that a pass takes.
constexpr int64_t kPassRowsQ8 = 6, kPassRowsQ4 = 6;

}  // namespace
