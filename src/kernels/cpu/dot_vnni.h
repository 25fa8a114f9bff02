// Dot products of four bytes for AVX-512 with VNNI: unsigned weights times signed activations, so codes of q8
// get 128 added.
#pragma once

namespace {

constexpr int32_t kOffsetQ8 = 128;

inline __m512i codes_q8(__m512i stored) { return _mm512_xor_si512(stored, _mm512_set1_epi8((char)0x80)); }
inline __m512i dot_q8(__m512i sums, __m512i w, __m512i x) { return _mm512_dpbusd_epi32(sums, w, x); }
inline __m512i dot_q4(__m512i sums, __m512i w, __m512i x) { return _mm512_dpbusd_epi32(sums, w, x); }

}  // namespace
