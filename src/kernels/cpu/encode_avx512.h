// Blocks of activations to codes of eight bits, for AVX-512: each alone, or sixteen together, whose maxima
// and sums are then taken by one instruction for all.
#pragma once

namespace {

using nestor::kernels::CodedBlocks;

// Without signs, bits grow with the number, and those of infinity and of what is no number are the largest.
constexpr uint32_t kInfinity = 0x7F800000;

inline __m512i vec_magnitude(Vec v) { return _mm512_castps_si512(_mm512_abs_ps(v)); }

// A block of floats to codes; returns the scale, which is not a number if one of the floats is not finite.
inline float encode_block(const float* x, int8_t* codes, int32_t* sum_of_codes) {
  constexpr int kVecs = (int)(kTileDepth / kLanes);
  Vec v[kVecs];
  __m512i largest = _mm512_setzero_si512();
  for (int i = 0; i < kVecs; ++i) {
    v[i] = vec_load(x + i * kLanes);
    largest = _mm512_max_epu32(largest, vec_magnitude(v[i]));
  }
  const uint32_t bits = _mm512_reduce_max_epu32(largest);
  const float most = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)bits)));
  const Vec inverse = vec_set(most > 1e-30F ? 127.0F / most : 0.0F);
  // In SIMD, where it wraps: codes of a value that is not finite are anything, and the scale says so.
  __m512i sum = _mm512_setzero_si512();
  for (int i = 0; i < kVecs; ++i) {
    const __m512i whole = _mm512_cvtps_epi32(vec_mul(v[i], inverse));
    _mm_storeu_si128((__m128i*)(codes + i * kLanes), _mm512_cvtsepi32_epi8(whole));
    sum = _mm512_add_epi32(sum, whole);
  }
  *sum_of_codes = _mm512_reduce_add_epi32(sum);
  return bits < kInfinity ? most * (1.0F / 127.0F) : __builtin_nanf("");
}

// Lane i is what `join` makes of all lanes of v[i].
template <typename Join>
inline __m512i across_sixteen(const __m512i* v, const Join& join) {
  __m512i quarter[4];  // j: of v[j], v[j + 4], v[j + 8] and v[j + 12], four lanes each
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i low =
        join(_mm512_shuffle_i32x4(v[j], v[j + 4], 0x44), _mm512_shuffle_i32x4(v[j], v[j + 4], 0xEE));
    const __m512i high = join(_mm512_shuffle_i32x4(v[j + 8], v[j + 12], 0x44),
                              _mm512_shuffle_i32x4(v[j + 8], v[j + 12], 0xEE));
    quarter[j] = join(_mm512_shuffle_i32x4(low, high, 0x88), _mm512_shuffle_i32x4(low, high, 0xDD));
  }
  const __m512i first =
      join(_mm512_unpacklo_epi32(quarter[0], quarter[1]), _mm512_unpackhi_epi32(quarter[0], quarter[1]));
  const __m512i second =
      join(_mm512_unpacklo_epi32(quarter[2], quarter[3]), _mm512_unpackhi_epi32(quarter[2], quarter[3]));
  return join(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
}

// Sixteen rows. The scale of a row with infinity is infinity.
inline void encode_sixteen(const float* x, int64_t stride, const CodedBlocks& to) {
  static_assert(kTileDepth == 4 * kLanes && kLanes == 16);
  __m512i v[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    const auto at = [&](int64_t p) { return vec_magnitude(vec_load(x + i * stride + p)); };
    v[i] = _mm512_max_epu32(_mm512_max_epu32(at(0), at(16)), _mm512_max_epu32(at(32), at(48)));
  }
  const __m512i bits = across_sixteen(v, [](__m512i a, __m512i b) { return _mm512_max_epu32(a, b); });
  const Vec most = _mm512_castsi512_ps(bits);
  const __mmask16 some = _mm512_cmp_ps_mask(most, vec_set(1e-30F), _CMP_GT_OQ);
  alignas(64) float inverse[16];
  _mm512_store_ps(inverse, _mm512_maskz_div_ps(some, vec_set(127.0F), most));
  vec_store(to.scales, vec_mul(most, vec_set(1.0F / 127.0F)));

  const __m512i in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    const Vec by = vec_set(inverse[i]);
    const auto at = [&](int64_t p) { return _mm512_cvtps_epi32(vec_mul(vec_load(x + i * stride + p), by)); };
    const __m512i bytes =
        _mm512_packs_epi16(_mm512_packs_epi32(at(0), at(16)), _mm512_packs_epi32(at(32), at(48)));
    _mm512_storeu_si512(to.codes + i * kTileDepth, _mm512_permutexvar_epi32(in_order, bytes));
    v[i] = dot_q4(_mm512_setzero_si512(), _mm512_set1_epi8(1), bytes);  // sums of four codes each
  }
  _mm512_storeu_si512(to.sums,
                      across_sixteen(v, [](__m512i a, __m512i b) { return _mm512_add_epi32(a, b); }));
}

// The first multiple of sixteen rows of `count`; returns how many.
inline int64_t encode_sixteens(const float* x, int64_t stride, int64_t count, const CodedBlocks& to) {
  int64_t done = 0;
  for (; done + 16 <= count; done += 16)
    encode_sixteen(x + done * stride, stride,
                   {to.codes + done * kTileDepth, to.scales + done, to.sums + done});
  return done;
}

}  // namespace
