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

// Four codes for every lane, spread by the product itself: no instruction of their own. Where two threads
// share a core, instructions are what runs short.
struct FourCodes {
  const int8_t* at;
};
inline FourCodes four_codes_at(const int8_t* p) { return {p}; }
inline __m512i dot_bytes(__m512i sums, __m512i w, FourCodes x) {
  typedef int8_t Four[4];
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sums) : "v"(w), "m"(*(const Four*)x.at));
  return sums;
}

template <typename X>
inline __m512i dot_q8(__m512i sums, __m512i w, X x) {
  return dot_bytes(sums, w, x);
}
template <typename X>
inline __m512i dot_q4(__m512i sums, __m512i w, X x) {
  return dot_bytes(sums, w, x);
}

}  // namespace
