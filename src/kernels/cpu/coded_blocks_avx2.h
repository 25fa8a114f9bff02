// One block of tiles times activations rounded to eight bits, for AVX2, over the dot product of four bytes
// that the file before this one declares (dot_avx2.h or dot_avx2_vnni.h). Lanes are rows of the matrix, eight
// to a vector, as in tiled_body.h.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::Activations;
using nestor::kernels::activations_at;
using nestor::kernels::CodedBlocks;
using nestor::kernels::encoded_block;
using nestor::kernels::EncodedRows;
using nestor::kernels::kMagic;
using nestor::kernels::kRowGroup;
using nestor::kernels::MatmulCodedArgs;

// 32 values to codes; returns their sums, lane by lane.
inline __m256i put_32_codes(const float* x, __m256 inverse, int8_t* codes) {
  __m256i whole[4];
  for (int i = 0; i < 4; ++i)
    whole[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), inverse));
  const __m256i words =
      _mm256_packs_epi16(_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3]));
  const __m256i in_order = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256((__m256i*)codes, in_order);
  return _mm256_add_epi32(_mm256_add_epi32(whole[0], whole[1]), _mm256_add_epi32(whole[2], whole[3]));
}

// A block of floats to codes; returns the scale.
inline float encode_block(const float* x, int8_t* codes, int32_t* sum_of_codes) {
  __m256 largest = _mm256_setzero_ps();
  __m256 poison = _mm256_setzero_ps();  // not a number as soon as one value is not finite
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  for (int64_t i = 0; i < kTileDepth; i += kLanes) {
    const __m256 v = _mm256_loadu_ps(x + i);
    largest = _mm256_max_ps(largest, _mm256_and_ps(v, magnitude));
    poison = _mm256_fmadd_ps(v, _mm256_setzero_ps(), poison);
  }
  const float most = vec_largest(largest);
  const __m256 inverse = _mm256_set1_ps(most > 1e-30F ? 127.0F / most : 0.0F);
  static_assert(kTileDepth == 64);
  const __m256i sum =
      _mm256_add_epi32(put_32_codes(x, inverse, codes), put_32_codes(x + 32, inverse, codes + 32));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
  // In SIMD, where it wraps: codes of a value that is not finite are anything, and the scale says so.
  *sum_of_codes = _mm_cvtsi128_si32(s);
  return most * (1.0F / 127.0F) + vec_sum(poison);
}

// None of `count` rows together: each is encoded alone.
inline int64_t encode_sixteens(const float*, int64_t, int64_t, const CodedBlocks&) { return 0; }

inline __m256i four_codes_at(const int8_t* p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  __m256i all = _mm256_set1_epi32(quad);
  asm("" : "+x"(all));  // loaded once for all vectors of rows
  return all;
}

// A band has two vectors of rows.
constexpr int kBandVecs = (int)(kBandRows / kLanes);

// Steps of a block: each has two of its sixteen quads of columns, those that lie side by side. Any order
// gives the same whole numbers, and memory is read fastest from front to back.
constexpr int kSteps = (int)(kTileDepth / 8);

// Codes of tiles as the dot product takes them, 32 bytes from `codes` on. A sum over kSteps steps of them
// starts with begin() and ends with end().
struct CodesQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  static constexpr int first(int q) { return 2 * q; }
  static constexpr int second(int q) { return 2 * q + 1; }
  static inline void step(const uint8_t* codes, int q, __m256i* one, __m256i* two) {
    *one = codes_q8(_mm256_loadu_si256((const __m256i*)(codes + 64 * first(q))));
    *two = codes_q8(_mm256_loadu_si256((const __m256i*)(codes + 64 * second(q))));
  }
  static inline __m256i begin(__m256i sums) { return sums; }
  static inline __m256i dot(__m256i sums, __m256i w, __m256i x) { return dot_q8(sums, w, x); }
  static inline __m256i end(__m256i, __m256i with_half) { return with_half; }
  static constexpr int64_t kPassRows = kPassRowsQ8;
  static inline const int32_t* starts(const EncodedRows& x) { return x.starts_q8; }
};

struct CodesQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  static constexpr int first(int q) { return q; }
  static constexpr int second(int q) { return q + kSteps; }
  static inline void step(const uint8_t* codes, int q, __m256i* one, __m256i* two) {
    const __m256i low_half = _mm256_set1_epi8(15);
    const __m256i both = _mm256_loadu_si256((const __m256i*)(codes + 64 * q));
    *one = _mm256_and_si256(both, low_half);
    *two = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half);
  }
  static inline __m256i begin(__m256i sums) { return begin_q4(sums); }
  static inline __m256i dot(__m256i sums, __m256i w, __m256i x) { return add_q4(sums, w, x); }
  static inline __m256i end(__m256i sums, __m256i half) { return end_q4(sums, half); }
  static constexpr int64_t kPassRows = kPassRowsQ4;
  static inline const int32_t* starts(const EncodedRows& x) { return x.starts_q4; }
};

}  // namespace
