// Products of bfloat16 matrices with activations rounded to bfloat16 (op_args.h, MatmulRoundedArgs): the
// tiles of matmul_body.h with two numbers in each lane. A lane adds the product of its odd column, then that
// of its even one.
#pragma once

namespace {

using nestor::kernels::MatmulRoundedArgs;
using nestor::kernels::RoundRowsArgs;

inline __mmask32 first_numbers(int64_t n) { return (__mmask32)((1ULL << n) - 1); }
inline __m512bh as_pairs(Vec v) { return (__m512bh)_mm512_castps_si512(v); }

struct TimesRounded {
  static constexpr int64_t kBytes = 2;
  static constexpr bool kScaled = false;
  typedef uint16_t Activation;
  static constexpr int64_t kStep = 2 * kLanes;

  static inline Vec load(const uint8_t* p) { return vec_load((const float*)p); }
  static inline Vec load_part(const uint8_t* p, int64_t n) {
    return _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(first_numbers(n), p));
  }
  static inline Vec activations(const uint16_t* p) { return load((const uint8_t*)p); }
  static inline Vec activations_part(const uint16_t* p, int64_t n) { return load_part((const uint8_t*)p, n); }
  static inline Vec add_products(Vec x, Vec w, Vec sums) {
    return _mm512_dpbf16_ps(sums, as_pairs(x), as_pairs(w));
  }
};

void matmul_rounded(const MatmulRoundedArgs& a, int64_t n_begin, int64_t n_end) {
  matmul_stored<TimesRounded>(a, n_begin, n_end);
}

void round_rows(const RoundRowsArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + (a.at == nullptr ? t : a.at[t]) * a.x_stride;
    uint16_t* to = a.to.at + t * a.to.stride + a.first_column;
    int64_t k = 0;
    for (; k + kLanes <= a.cols; k += kLanes)
      _mm256_storeu_si256((__m256i*)(to + k), (__m256i)_mm512_cvtneps_pbh(vec_load(x + k)));
    if (k < a.cols) {
      const __m256i last = (__m256i)_mm512_cvtneps_pbh(vec_load_part(x + k, a.cols - k));
      _mm256_mask_storeu_epi16(to + k, first_lanes(a.cols - k), last);
    }
  }
}

}  // namespace
