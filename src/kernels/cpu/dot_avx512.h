// Dot products of four bytes for AVX-512 without VNNI. Pairs of products fit 16 bits: 2 * 15 * 127 for q4;
// for q8, as magnitude of the weight times activation with its sign, 2 * 127 * 127.
#pragma once

namespace {

constexpr int32_t kOffsetQ8 = 0;

inline __m512i codes_q8(__m512i stored) { return stored; }
inline __m512i add_pairs(__m512i sums, __m512i pairs) {
  return _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
inline __m512i dot_q8(__m512i sums, __m512i w, __m512i x) {
  const __m512i turned = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  return add_pairs(sums, _mm512_maddubs_epi16(_mm512_abs_epi8(w), turned));
}
inline __m512i dot_q4(__m512i sums, __m512i w, __m512i x) {
  return add_pairs(sums, _mm512_maddubs_epi16(w, x));
}

typedef __m512i FourCodes;
inline FourCodes four_codes_at(const int8_t* p) { return four_codes(p); }

}  // namespace
