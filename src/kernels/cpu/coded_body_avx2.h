// Products of tiles with activations rounded to eight bits, for AVX2, over the sums of a block that the file before
// this one makes (sums_avx2.h or sums_avx2_vnni.h): exact integers inside a block of 32 columns, float32 between
// blocks. Lanes are rows of the matrix, as in tiled_body.h. The sum of a block of q4 starts from -8 times the sum of
// the codes of x.
#pragma once

namespace {

using nestor::kernels::encoded_block;
using nestor::kernels::EncodedRows;
using nestor::kernels::EncodeRowsArgs;
using nestor::kernels::MatmulCodedArgs;

// 32 floats to codes; returns the scale.
inline float encode_32(const float* x, int8_t* codes, int32_t* start) {
  __m256 v[4];
  __m256 largest = _mm256_setzero_ps();
  __m256 poison = _mm256_setzero_ps();  // not a number as soon as one value is not finite
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_loadu_ps(x + 8 * i);
    largest = _mm256_max_ps(largest, _mm256_and_ps(v[i], magnitude));
    poison = _mm256_fmadd_ps(v[i], _mm256_setzero_ps(), poison);
  }
  const float most = vec_largest(largest);
  const float inverse = most > 1e-30F ? 127.0F / most : 0.0F;
  __m256i whole[4];
  for (int i = 0; i < 4; ++i) whole[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inverse)));
  const __m256i sum =
      _mm256_add_epi32(_mm256_add_epi32(whole[0], whole[1]), _mm256_add_epi32(whole[2], whole[3]));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
  // In SIMD, where it wraps: codes of a value that is not finite are anything, and the scale says so.
  *start = _mm_cvtsi128_si32(_mm_sub_epi32(_mm_setzero_si128(), _mm_slli_epi32(s, 3)));
  const __m256i words =
      _mm256_packs_epi16(_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3]));
  const __m256i in_order = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256((__m256i*)codes, in_order);
  return most * (1.0F / 127.0F) + vec_sum(poison);
}

void encode_rows(const EncodeRowsArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + t * a.x_stride;
    for (int64_t b = 0; b * kTileDepth < a.cols; ++b) {
      const int64_t left = a.cols - b * kTileDepth;
      float padded[kTileDepth];
      const float* from = x + b * kTileDepth;
      if (left < kTileDepth) {
        memset(padded, 0, sizeof padded);
        memcpy(padded, from, (size_t)left * sizeof(float));
        from = padded;
      }
      const int64_t at = encoded_block(a.to, t, a.first_block + b);
      a.to.scales[at] = encode_32(from, a.to.codes + at * kTileDepth, a.to.starts_q4 + at);
      a.to.starts_q8[at] = 0;
    }
  }
}

// Eight rows of the matrix from `row` on, kRows activations of one group from t on.
template <bool kFourBits, int kRows>
inline void coded_tile(const MatmulCodedArgs& a, int64_t t, int64_t row, int64_t n_begin, int64_t n_end) {
  constexpr int64_t kBytes = kFourBits ? nestor::quant::kTileBytesQ4 : nestor::quant::kTileBytesQ8;
  const uint8_t* tile = a.w.data + row / kBandRows * a.w.row_bytes;
  const int64_t lane = row % kBandRows;
  Vec sums[kRows];
  for (int i = 0; i < kRows; ++i) sums[i] = vec_zero();
  for (int64_t b = 0; b < a.x.blocks; ++b, tile += kBytes) {
    const int64_t at = encoded_block(a.x, t, b);
    const int8_t* x[kRows];
    for (int i = 0; i < kRows; ++i) x[i] = a.x.codes + (at + i) * kTileDepth;
    __m256i whole[kRows];
    const uint8_t* codes = tile + kTileScaleBytes + 4 * lane;
    if constexpr (kFourBits) {
      block_sums_q4<kRows>(codes, x, a.x.starts_q4 + at, whole);
    } else {
      block_sums_q8<kRows>(codes, x, whole);
    }
    const Vec scale = load_bf16(tile + 2 * lane);
    for (int i = 0; i < kRows; ++i) {
      const Vec scaled = vec_mul(scale, _mm256_cvtepi32_ps(whole[i]));
      sums[i] = vec_fma(vec_set(a.x.scales[at + i]), scaled, sums[i]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    store_lanes(a.y + (t + i) * a.y_stride, sums[i], row - a.w.first_row, n_begin, n_end);
  }
}

template <bool kFourBits>
void coded_rows(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  constexpr int64_t kActivationsAtOnce = 32;  // their codes stay in the second cache while bands pass by
  const int64_t end = a.w.first_row + n_end;
  for (int64_t group = 0; group < a.x.rows; group += kActivationsAtOnce) {
    const int64_t group_end = group + kActivationsAtOnce < a.x.rows ? group + kActivationsAtOnce : a.x.rows;
    for (int64_t row = (a.w.first_row + n_begin) / kLanes * kLanes; row < end; row += kLanes) {
      int64_t t = group;
      for (; t + 4 <= group_end; t += 4) coded_tile<kFourBits, 4>(a, t, row, n_begin, n_end);
      for (; t + 2 <= group_end; t += 2) coded_tile<kFourBits, 2>(a, t, row, n_begin, n_end);
      for (; t < group_end; ++t) coded_tile<kFourBits, 1>(a, t, row, n_begin, n_end);
    }
  }
}

void matmul_coded(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  if (a.w.format == nestor::quant::Format::q4) {
    coded_rows<true>(a, n_begin, n_end);
  } else {
    coded_rows<false>(a, n_begin, n_end);
  }
}

}  // namespace
