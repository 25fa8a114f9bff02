// How weights are read from memory: what is fetched ahead, and a vector of each storage format, as types that
// the bodies are instantiated with. Included after one vec_*.h; internal linkage.
#pragma once

namespace {

// What to fetch at byte `at` of a row (or band) of `row_bytes`, from its beginning: `bytes_ahead` further.
// Several rows are read side by side, so behind the end of one lies what is read already: what comes next is
// `skip` further.
inline int64_t fetched_at(int64_t at, int64_t bytes_ahead, int64_t row_bytes, int64_t skip) {
  const int64_t ahead = at + bytes_ahead;
  return ahead < row_bytes ? ahead : ahead + skip;
}

// Weights that are widened to float32 and multiplied with float32 activations, a vector of both at a step.
struct TimesFloats {
  typedef float Activation;
  static constexpr int64_t kStep = kLanes;
  static inline Vec activations(const float* p) { return vec_load(p); }
  static inline Vec activations_part(const float* p, int64_t n) { return vec_load_part(p, n); }
  static inline Vec add_products(Vec x, Vec w, Vec sums) { return vec_fma(x, w, sums); }
};

struct StoredF32 : TimesFloats {
  static constexpr int64_t kBytes = 4;
  static constexpr bool kScaled = false;
  static inline Vec load(const uint8_t* p) { return vec_load((const float*)p); }
  static inline Vec load_part(const uint8_t* p, int64_t n) { return vec_load_part((const float*)p, n); }
};

struct StoredBf16 : TimesFloats {
  static constexpr int64_t kBytes = 2;
  static constexpr bool kScaled = false;
  static inline Vec load(const uint8_t* p) { return load_bf16(p); }
  static inline Vec load_part(const uint8_t* p, int64_t n) { return load_bf16_part(p, n); }
};

struct StoredF16 : TimesFloats {
  static constexpr int64_t kBytes = 2;
  static constexpr bool kScaled = false;
  static inline Vec load(const uint8_t* p) { return load_f16(p); }
  static inline Vec load_part(const uint8_t* p, int64_t n) { return load_f16_part(p, n); }
};

struct StoredF8 : TimesFloats {
  static constexpr int64_t kBytes = 1;
  static constexpr bool kScaled = true;
  static inline Vec load(const uint8_t* p) { return load_e4m3(p); }
  static inline Vec load_part(const uint8_t* p, int64_t n) { return load_e4m3_part(p, n); }
};

// The scale of element (row, col) of a block-scaled matrix.
inline float scale_at(const nestor::quant::MatrixView& m, int64_t row, int64_t col) {
  return m.scales[(m.first_row + row) / nestor::quant::kScaleBlock * m.scale_columns +
                  col / nestor::quant::kScaleBlock];
}

}  // namespace
