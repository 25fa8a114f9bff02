// The vector vocabulary for AVX-512 (F, BW, DQ, VL): sixteen float32 lanes. Same names as vec_avx2.h.
// Everything has internal linkage: no symbol built with these flags may be visible to other objects.
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace {

typedef __m512 Vec;
constexpr int64_t kLanes = 16;
constexpr int kTileRows = 4;  // 4 x 4 accumulators + 4 weights + 1 activation of 32 registers
constexpr int kTileColumns = 4;

inline Vec vec_zero() { return _mm512_setzero_ps(); }
inline Vec vec_set(float x) { return _mm512_set1_ps(x); }
inline Vec vec_load(const float* p) { return _mm512_loadu_ps(p); }
inline void vec_store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline Vec vec_add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec vec_sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec vec_mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec vec_div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec vec_max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec vec_min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec vec_fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec vec_round(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Vec vec_scale_by_power_of_two(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }

inline float vec_sum(Vec v) { return _mm512_reduce_add_ps(v); }
inline float vec_largest(Vec v) { return _mm512_reduce_max_ps(v); }

// The sums of a tile's 4 x 4 vectors to y[i][j], each in the order of vec_sum: 45 instructions instead of 16
// times 8.
inline void store_tile_sums(const Vec (*v)[kTileColumns], float* y, int64_t stride) {
  static_assert(kTileRows == 4 && kTileColumns == 4);
  Vec quarters[4];  // of column j: the sums of its four rows, four lanes each
  for (int j = 0; j < 4; ++j) {
    const Vec low_01 = _mm512_shuffle_f32x4(v[0][j], v[1][j], 0x44);
    const Vec high_01 = _mm512_shuffle_f32x4(v[0][j], v[1][j], 0xEE);
    const Vec low_23 = _mm512_shuffle_f32x4(v[2][j], v[3][j], 0x44);
    const Vec high_23 = _mm512_shuffle_f32x4(v[2][j], v[3][j], 0xEE);
    const Vec eighths_01 = _mm512_add_ps(high_01, low_01);
    const Vec eighths_23 = _mm512_add_ps(high_23, low_23);
    quarters[j] = _mm512_add_ps(_mm512_shuffle_f32x4(eighths_01, eighths_23, 0xDD),
                                _mm512_shuffle_f32x4(eighths_01, eighths_23, 0x88));
  }
  const Vec first = _mm512_add_ps(_mm512_shuffle_ps(quarters[0], quarters[1], 0x44),
                                  _mm512_shuffle_ps(quarters[0], quarters[1], 0xEE));
  const Vec second = _mm512_add_ps(_mm512_shuffle_ps(quarters[2], quarters[3], 0x44),
                                   _mm512_shuffle_ps(quarters[2], quarters[3], 0xEE));
  const Vec sums =
      _mm512_add_ps(_mm512_shuffle_ps(first, second, 0x88), _mm512_shuffle_ps(first, second, 0xDD));
  _mm_storeu_ps(y, _mm512_extractf32x4_ps(sums, 0));
  _mm_storeu_ps(y + stride, _mm512_extractf32x4_ps(sums, 1));
  _mm_storeu_ps(y + 2 * stride, _mm512_extractf32x4_ps(sums, 2));
  _mm_storeu_ps(y + 3 * stride, _mm512_extractf32x4_ps(sums, 3));
}

inline __mmask16 first_lanes(int64_t n) { return (__mmask16)((1U << n) - 1U); }
// The first n lanes from memory (0 < n < kLanes), the rest zero; nothing beyond is touched.
inline Vec vec_load_part(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
inline void vec_store_part(float* p, Vec v, int64_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }

// Stored numbers to float32.
inline Vec widen_bf16(__m256i v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}
inline Vec load_bf16(const uint8_t* p) { return widen_bf16(_mm256_loadu_si256((const __m256i*)p)); }
inline Vec load_bf16_part(const uint8_t* p, int64_t n) {
  return widen_bf16(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
inline Vec load_f16(const uint8_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
inline Vec load_f16_part(const uint8_t* p, int64_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
// e4m3 by way of binary16: the same bits with three more of exponent, so the value comes out 2^8 too small.
// This holds for subnormals too (the conversion ignores DAZ). The code 127 is NaN.
inline Vec widen_e4m3(__m128i codes) {
  const __m256i wide = _mm256_cvtepu8_epi16(codes);
  const __m256i magnitude = _mm256_and_si256(wide, _mm256_set1_epi16(0x7F));
  const __m256i sign = _mm256_slli_epi16(_mm256_and_si256(wide, _mm256_set1_epi16(0x80)), 8);
  __m256i half = _mm256_or_si256(_mm256_slli_epi16(magnitude, 7), sign);
  const __m256i nan = _mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x7F));
  half = _mm256_or_si256(half, _mm256_and_si256(nan, _mm256_set1_epi16(0x7E00)));
  return _mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(256.0F));
}
inline Vec load_e4m3(const uint8_t* p) { return widen_e4m3(_mm_loadu_si128((const __m128i*)p)); }
inline Vec load_e4m3_part(const uint8_t* p, int64_t n) {
  return widen_e4m3(_mm_maskz_loadu_epi8(first_lanes(n), p));
}

// Sixteen rows of a tile, four codes of one byte each: byte j as a signed number, or the four bits from
// `shift` on minus 8.
template <int j>
inline Vec vec_signed_byte(const uint8_t* p) {
  const __m512i quads = _mm512_loadu_si512(p);
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(quads, 24 - 8 * j), 24));
}
template <int shift>
inline Vec vec_nibble(const uint8_t* p) {
  const __m512i code =
      _mm512_and_si512(_mm512_srli_epi32(_mm512_loadu_si512(p), shift), _mm512_set1_epi32(15));
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(code, _mm512_set1_epi32(8)));
}
inline Vec vec_signed_bytes(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)));
}

// Four codes in every lane. They stay in a register for all that follows: folded into a product they would be
// loaded once for each.
inline __m512i four_codes(const int8_t* p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  __m512i all = _mm512_set1_epi32(quad);
  asm("" : "+v"(all));
  return all;
}

}  // namespace
