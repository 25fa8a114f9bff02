// Dot products of four bytes for AVX-512 with VNNI: unsigned weights times signed activations, so codes of q8
// get 128 added.
#pragma once

namespace {

constexpr int32_t kOffsetQ8 = 128;

inline __m512i codes_q8(__m512i stored) { return _mm512_xor_si512(stored, _mm512_set1_epi8((char)0x80)); }
// Written out, because g++ 12 copies every sum to another register and back around the intrinsic.
inline __m512i dot_bytes(__m512i sums, __m512i w, __m512i x) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(w), "v"(x));
  return sums;
}
inline __m512i dot_q8(__m512i sums, __m512i w, __m512i x) { return dot_bytes(sums, w, x); }
inline __m512i dot_q4(__m512i sums, __m512i w, __m512i x) { return dot_bytes(sums, w, x); }

}  // namespace
