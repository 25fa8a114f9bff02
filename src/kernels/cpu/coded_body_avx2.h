// Products of tiles with activations rounded to eight bits, for AVX2, over the sums of a block that the file
// before this one makes (dot_avx2.h or dot_avx2_vnni.h): exact integers inside a block,
// float32 between blocks. Lanes are rows of the matrix, as in tiled_body.h. The sum of a block of q4 starts
// from -8 times the sum of the codes of x.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::CodedBlocks;
using nestor::kernels::encoded_block;
using nestor::kernels::EncodedRows;
using nestor::kernels::MatmulCodedArgs;
using nestor::kernels::start_of;

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
template <typename Blocks>
inline int64_t encode_sixteens(const Blocks&, int64_t, const CodedBlocks&) {
  return 0;
}

constexpr int32_t kOffsetQ8 = 0;

inline void put_starts(const EncodedRows& to, int64_t at, int32_t sum_of_codes) {
  to.starts_q8[at] = 0;
  to.starts_q4[at] = start_of(sum_of_codes, 8, 0);
}

// Whole numbers in lanes, and their sums with products of four signed codes.
typedef __m256i Whole;
inline Whole whole_set(int32_t x) { return _mm256_set1_epi32(x); }
inline Whole whole_load(const uint8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
inline Vec whole_to_floats(Whole x) { return _mm256_cvtepi32_ps(x); }
inline Whole add_codes(Whole sums, Whole w, Whole x) {
  return add_q8(sums, _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

inline __m256i four_codes_at(const int8_t* p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  __m256i all = _mm256_set1_epi32(quad);
  asm("" : "+x"(all));  // loaded once for all vectors of rows
  return all;
}

// Whole-number sums of one block: kVecs vectors of eight rows, whose codes begin at `codes`, and kRows
// activations.
template <int kRows, int kVecs>
inline void block_sums_q4(const uint8_t* const* codes, const int8_t* const* x, const int32_t* start,
                          __m256i (*sums)[kVecs]) {
  const __m256i low_half = _mm256_set1_epi8(15);
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) sums[i][v] = _mm256_set1_epi32(start[i]);
  }
  for (int64_t four = 0; four < kTileDepth / 8; four += 4) {
    __m256i part[kRows][kVecs];
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVecs; ++v) part[i][v] = begin_q4(sums[i][v]);
    }
    for (int64_t q = four; q < four + 4; ++q) {
      __m256i low[kVecs], high[kVecs];
      for (int v = 0; v < kVecs; ++v) {
        const __m256i both = _mm256_loadu_si256((const __m256i*)(codes[v] + 64 * q));
        low[v] = _mm256_and_si256(both, low_half);
        high[v] = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half);
      }
      for (int i = 0; i < kRows; ++i) {
        const __m256i first = four_codes_at(x[i] + 4 * q);
        const __m256i second = four_codes_at(x[i] + kTileDepth / 2 + 4 * q);
        for (int v = 0; v < kVecs; ++v)
          part[i][v] = add_q4(add_q4(part[i][v], low[v], first), high[v], second);
      }
    }
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVecs; ++v) sums[i][v] = end_q4(sums[i][v], part[i][v]);
    }
  }
}

// Signs go over from the weights to the activations.
template <int kRows, int kVecs>
inline void block_sums_q8(const uint8_t* const* codes, const int8_t* const* x, __m256i (*sums)[kVecs]) {
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) sums[i][v] = _mm256_setzero_si256();
  }
  for (int64_t q = 0; q < kTileDepth / 4; ++q) {
    __m256i w[kVecs], magnitude[kVecs];
    for (int v = 0; v < kVecs; ++v) {
      w[v] = _mm256_loadu_si256((const __m256i*)(codes[v] + 64 * q));
      magnitude[v] = _mm256_abs_epi8(w[v]);
    }
    for (int i = 0; i < kRows; ++i) {
      const __m256i four = four_codes_at(x[i] + 4 * q);
      for (int v = 0; v < kVecs; ++v) {
        sums[i][v] = add_q8(sums[i][v], magnitude[v], _mm256_sign_epi8(four, w[v]));
      }
    }
  }
}

struct CodesQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  template <int kRows, int kVecs>
  static inline void sum(const uint8_t* const* codes, const int8_t* const* x, const EncodedRows&, int64_t,
                         __m256i (*sums)[kVecs]) {
    block_sums_q8<kRows, kVecs>(codes, x, sums);
  }
};

struct CodesQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  template <int kRows, int kVecs>
  static inline void sum(const uint8_t* const* codes, const int8_t* const* x, const EncodedRows& e,
                         int64_t at, __m256i (*sums)[kVecs]) {
    block_sums_q4<kRows, kVecs>(codes, x, e.starts_q4 + at, sums);
  }
};

// kBands bands from `band` on, kRows activations of one group from t on.
template <typename Codes, int kRows, int kBands>
inline void coded_bands(const MatmulCodedArgs& a, int64_t t, int64_t band, int64_t n_begin, int64_t n_end) {
  constexpr int kVecs = 2 * kBands;  // of eight rows
  const uint8_t* tile[kBands];
  for (int j = 0; j < kBands; ++j) tile[j] = a.w.data + (band + j) * a.w.row_bytes;
  Vec sums[kRows][kVecs];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) sums[i][v] = vec_zero();
  }
  for (int64_t b = 0; b < a.x.blocks; ++b) {
    const int64_t at = encoded_block(a.x, t, b);
    const int8_t* x[kRows];
    for (int i = 0; i < kRows; ++i) x[i] = a.x.codes + (at + i) * kTileDepth;
    const uint8_t* codes[kVecs];
    for (int v = 0; v < kVecs; ++v) codes[v] = tile[v / 2] + kTileScaleBytes + 32 * (v % 2);
    const int64_t place = b * Codes::kBytes;
    const int64_t ahead = fetched_at(place, a.w.row_bytes, (kBands - 1) * a.w.row_bytes) - place;
    for (int j = 0; j < kBands; ++j) {
      for (int64_t line = 0; line < Codes::kBytes; line += 64) {
        _mm_prefetch((const char*)(tile[j] + ahead + line), _MM_HINT_T0);
      }
    }
    __m256i whole[kRows][kVecs];
    Codes::template sum<kRows, kVecs>(codes, x, a.x, at, whole);
    for (int v = 0; v < kVecs; ++v) {
      const Vec scale = load_bf16(tile[v / 2] + 2 * kLanes * (v % 2));
      for (int i = 0; i < kRows; ++i) {
        const Vec scaled = vec_mul(scale, _mm256_cvtepi32_ps(whole[i][v]));
        sums[i][v] = vec_fma(vec_set(a.x.scales[at + i]), scaled, sums[i][v]);
      }
    }
    for (int j = 0; j < kBands; ++j) tile[j] += Codes::kBytes;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) {
      const int64_t row = (band + v / 2) * kBandRows + kLanes * (v % 2);
      store_lanes(a.y + (t + i) * a.y_stride, sums[i][v], row - a.w.first_row, n_begin, n_end);
    }
  }
}

template <typename Codes>
void coded_rows(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  constexpr int64_t kActivationsAtOnce = 32;  // their codes stay in the second cache while bands pass by
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  int64_t band = (a.w.first_row + n_begin) / kBandRows;
  if (a.x.rows == 1) {
    for (; band + 2 <= end; band += 2) coded_bands<Codes, 1, 2>(a, 0, band, n_begin, n_end);
    for (; band < end; ++band) coded_bands<Codes, 1, 1>(a, 0, band, n_begin, n_end);
    return;
  }
  const int64_t first = band;
  for (int64_t group = 0; group < a.x.rows; group += kActivationsAtOnce) {
    const int64_t group_end = group + kActivationsAtOnce < a.x.rows ? group + kActivationsAtOnce : a.x.rows;
    for (band = first; band < end; ++band) {
      int64_t t = group;
      for (; t + 4 <= group_end; t += 4) coded_bands<Codes, 4, 1>(a, t, band, n_begin, n_end);
      for (; t + 2 <= group_end; t += 2) coded_bands<Codes, 2, 1>(a, t, band, n_begin, n_end);
      for (; t < group_end; ++t) coded_bands<Codes, 1, 1>(a, t, band, n_begin, n_end);
    }
  }
}

void matmul_coded(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  if (a.w.format == nestor::quant::Format::q4) {
    coded_rows<CodesQ4>(a, n_begin, n_end);
  } else {
    coded_rows<CodesQ8>(a, n_begin, n_end);
  }
}

}  // namespace
