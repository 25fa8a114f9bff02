// The vector vocabulary for AVX2 with FMA and F16C: eight float32 lanes. Same names as vec_avx512.h.
// Everything has internal linkage: no symbol built with these flags may be visible to other objects.
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace {

typedef __m256 Vec;
constexpr int64_t kLanes = 8;
constexpr int kTileRows = 2;  // 2 x 4 accumulators + 4 weights + 1 activation of 16 registers
constexpr int kTileColumns = 4;

inline Vec vec_zero() { return _mm256_setzero_ps(); }
inline Vec vec_set(float x) { return _mm256_set1_ps(x); }
inline Vec vec_load(const float* p) { return _mm256_loadu_ps(p); }
inline void vec_store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline Vec vec_add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec vec_sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec vec_mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec vec_div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec vec_max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec vec_min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec vec_fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec vec_round(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// Two steps, each a normal power of two, so that 2^-149 .. 2^128 come out like scalef's.
inline Vec vec_scale_by_power_of_two(Vec a, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const Vec first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const Vec second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(a, first), second);
}

inline float vec_sum(Vec v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float vec_largest(Vec v) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

// The sums of a tile's vectors to y[i][j].
inline void store_tile_sums(const Vec (*v)[kTileColumns], float* y, int64_t stride) {
  for (int i = 0; i < kTileRows; ++i) {
    for (int j = 0; j < kTileColumns; ++j) y[i * stride + j] = vec_sum(v[i][j]);
  }
}

// The first n lanes from memory (0 < n < kLanes), the rest zero; nothing beyond is touched.
inline __m256i lane_mask(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Vec vec_load_part(const float* p, int64_t n) { return _mm256_maskload_ps(p, lane_mask(n)); }
inline void vec_store_part(float* p, Vec v, int64_t n) { _mm256_maskstore_ps(p, lane_mask(n), v); }
inline __m128i load_bytes_part(const uint8_t* p, int64_t bytes) {
  uint8_t buffer[16] = {0};
  memcpy(buffer, p, (size_t)bytes);
  return _mm_loadu_si128((const __m128i*)buffer);
}

// Stored numbers to float32.
inline Vec widen_bf16(__m128i v) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
}
inline Vec load_bf16(const uint8_t* p) { return widen_bf16(_mm_loadu_si128((const __m128i*)p)); }
inline Vec load_bf16_part(const uint8_t* p, int64_t n) { return widen_bf16(load_bytes_part(p, 2 * n)); }
inline Vec load_f16(const uint8_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
inline Vec load_f16_part(const uint8_t* p, int64_t n) { return _mm256_cvtph_ps(load_bytes_part(p, 2 * n)); }
// e4m3 by way of binary16: see vec_avx512.h.
inline Vec widen_e4m3(__m128i codes) {
  const __m128i wide = _mm_cvtepu8_epi16(codes);
  const __m128i magnitude = _mm_and_si128(wide, _mm_set1_epi16(0x7F));
  const __m128i sign = _mm_slli_epi16(_mm_and_si128(wide, _mm_set1_epi16(0x80)), 8);
  __m128i half = _mm_or_si128(_mm_slli_epi16(magnitude, 7), sign);
  const __m128i nan = _mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x7F));
  half = _mm_or_si128(half, _mm_and_si128(nan, _mm_set1_epi16(0x7E00)));
  return _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(256.0F));
}
inline Vec load_e4m3(const uint8_t* p) { return widen_e4m3(_mm_loadl_epi64((const __m128i*)p)); }
inline Vec load_e4m3_part(const uint8_t* p, int64_t n) { return widen_e4m3(load_bytes_part(p, n)); }

// Eight rows of a tile, four codes of one byte each: byte j as a signed number, or the four bits from `shift`
// on minus 8.
template <int j>
inline Vec vec_signed_byte(const uint8_t* p) {
  const __m256i quads = _mm256_loadu_si256((const __m256i*)p);
  return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(quads, 24 - 8 * j), 24));
}
template <int shift>
inline Vec vec_nibble(const uint8_t* p) {
  const __m256i quads = _mm256_loadu_si256((const __m256i*)p);
  const __m256i code = _mm256_and_si256(_mm256_srli_epi32(quads, shift), _mm256_set1_epi32(15));
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(code, _mm256_set1_epi32(8)));
}
inline Vec vec_signed_bytes(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p)));
}

}  // namespace
