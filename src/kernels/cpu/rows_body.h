// The operations that go over rows once: norms, softmax, SwiGLU, sums, widening. Written once over the
// vocabulary.
#pragma once

#include <math.h>

namespace {

using nestor::kernels::AddScaledArgs;
using nestor::kernels::LayerNormArgs;
using nestor::kernels::RmsNormArgs;
using nestor::kernels::SoftmaxArgs;
using nestor::kernels::SwigluArgs;
using nestor::kernels::WidenArgs;

// e^x = 2^n * e^r with n = round(x / ln 2), |r| <= ln(2)/2, and e^r by its Taylor polynomial of degree 6,
// whose remainder is below 1.2e-7 * e^r: an error of about two units in the last place. Arguments are clamped
// to where the result is finite and not zero. NaN stays NaN: of two values, max and min give the second one
// then.
inline Vec vec_exp(Vec x) {
  x = vec_min(vec_set(88.3762626647949F), vec_max(vec_set(-103.0F), x));
  const Vec n = vec_round(vec_mul(x, vec_set(1.44269504088896341F)));
  Vec r = vec_fma(n, vec_set(-0.693359375F), x);  // ln 2 in two parts: the first has few bits, so that the
  r = vec_fma(n, vec_set(2.12194440054690583e-4F), r);  // product is exact
  Vec p = vec_set(1.0F / 720.0F);
  p = vec_fma(p, r, vec_set(1.0F / 120.0F));
  p = vec_fma(p, r, vec_set(1.0F / 24.0F));
  p = vec_fma(p, r, vec_set(1.0F / 6.0F));
  p = vec_fma(p, r, vec_set(0.5F));
  p = vec_fma(p, r, vec_set(1.0F));
  p = vec_fma(p, r, vec_set(1.0F));
  return vec_scale_by_power_of_two(p, n);
}

void rms_norm(const RmsNormArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + t * a.x_stride;
    float* y = a.y + t * a.y_stride;
    Vec squares = vec_zero();
    int64_t i = 0;
    for (; i + kLanes <= a.cols; i += kLanes) squares = vec_fma(vec_load(x + i), vec_load(x + i), squares);
    if (i < a.cols) {
      const Vec rest = vec_load_part(x + i, a.cols - i);
      squares = vec_fma(rest, rest, squares);
    }
    const float inverse = 1.0F / sqrtf(vec_sum(squares) / (float)a.cols + a.eps);
    const Vec factor = vec_set(inverse);
    const Vec scale = vec_set(a.scale);
    for (i = 0; i + kLanes <= a.cols; i += kLanes) {
      vec_store(y + i, vec_mul(vec_mul(vec_load(a.w + i), vec_mul(vec_load(x + i), factor)), scale));
    }
    for (; i < a.cols; ++i) y[i] = a.w[i] * (x[i] * inverse) * a.scale;
  }
}

inline float sum_of(const float* x, int64_t n) {
  Vec sums = vec_zero();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sums = vec_add(sums, vec_load(x + i));
  if (i < n) sums = vec_add(sums, vec_load_part(x + i, n - i));
  return vec_sum(sums);
}

// y = x - mean; returns the sum of its squares.
inline float center(const float* x, int64_t n, float mean, float* y) {
  const Vec means = vec_set(mean);
  Vec squares = vec_zero();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec d = vec_sub(vec_load(x + i), means);
    vec_store(y + i, d);
    squares = vec_fma(d, d, squares);
  }
  if (i < n) {
    vec_store_part(y + i, vec_sub(vec_load_part(x + i, n - i), means), n - i);
    const Vec rest = vec_load_part(y + i, n - i);  // zero beyond the row, where the difference is not
    squares = vec_fma(rest, rest, squares);
  }
  return vec_sum(squares);
}

void layer_norm(const LayerNormArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + t * a.x_stride;
    float* y = a.y + t * a.y_stride;
    const float count = (float)a.cols;
    const float squares = center(x, a.cols, sum_of(x, a.cols) / count, y);
    const Vec factor = vec_set(1.0F / sqrtf(squares / count + a.eps));
    int64_t i = 0;
    for (; i + kLanes <= a.cols; i += kLanes) {
      vec_store(y + i, vec_fma(vec_mul(vec_load(y + i), factor), vec_load(a.w + i), vec_load(a.b + i)));
    }
    if (i < a.cols) {
      const int64_t n = a.cols - i;
      const Vec d = vec_mul(vec_load_part(y + i, n), factor);
      vec_store_part(y + i, vec_fma(d, vec_load_part(a.w + i, n), vec_load_part(a.b + i, n)), n);
    }
  }
}

inline Vec swiglu_of(Vec gate, Vec up) {
  const Vec one = vec_set(1.0F);
  return vec_mul(vec_div(gate, vec_add(one, vec_exp(vec_sub(vec_zero(), gate)))), up);
}

void swiglu(const SwigluArgs& a, int64_t begin, int64_t end) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes)
    vec_store(a.y + i, swiglu_of(vec_load(a.gate + i), vec_load(a.up + i)));
  if (i < end) {
    const int64_t n = end - i;
    vec_store_part(a.y + i, swiglu_of(vec_load_part(a.gate + i, n), vec_load_part(a.up + i, n)), n);
  }
}

inline float largest_of(const float* x, int64_t n) {
  float largest = x[0];
  int64_t i = 0;
  if (n >= kLanes) {
    Vec m = vec_load(x);
    for (i = kLanes; i + kLanes <= n; i += kLanes) m = vec_max(m, vec_load(x + i));
    largest = vec_largest(m);
  }
  for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

void softmax(const SoftmaxArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; ++t) {
    float* x = a.x + t * a.stride;
    const float peak = largest_of(x, a.cols);
    const Vec largest = vec_set(peak);
    Vec sums = vec_zero();
    int64_t i = 0;
    for (; i + kLanes <= a.cols; i += kLanes) {
      const Vec e = vec_exp(vec_sub(vec_load(x + i), largest));
      vec_store(x + i, e);
      sums = vec_add(sums, e);
    }
    float tail = 0;
    if (i < a.cols) {
      vec_store_part(x + i, vec_exp(vec_sub(vec_load_part(x + i, a.cols - i), largest)), a.cols - i);
      for (int64_t j = i; j < a.cols; ++j) tail += x[j];
    }
    const float sum = vec_sum(sums) + tail;
    for (i = 0; i + kLanes <= a.cols; i += kLanes) vec_store(x + i, vec_div(vec_load(x + i), vec_set(sum)));
    for (; i < a.cols; ++i) x[i] /= sum;
    if (a.peaks) a.peaks[t] = peak;
    if (a.sums) a.sums[t] = sum;
  }
}

void add_scaled(const AddScaledArgs& a, int64_t begin, int64_t end) {
  const Vec factor = vec_set(a.factor);
  const Vec keep = vec_set(a.keep);
  const auto sum = [&](Vec x, Vec y) { return vec_fma(factor, x, vec_mul(keep, y)); };
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) vec_store(a.y + i, sum(vec_load(a.x + i), vec_load(a.y + i)));
  if (i < end) {
    const int64_t n = end - i;
    vec_store_part(a.y + i, sum(vec_load_part(a.x + i, n), vec_load_part(a.y + i, n)), n);
  }
}

template <typename Stored>
void widen_stored(const WidenArgs& a, int64_t begin, int64_t end) {
  const uint8_t* row = a.w.data + a.row * a.w.row_bytes;
  for (int64_t i = begin; i < end;) {
    const int64_t to_block_end = nestor::quant::kScaleBlock - i % nestor::quant::kScaleBlock;
    int64_t n = end - i < to_block_end ? end - i : to_block_end;
    n = n < kLanes ? n : kLanes;
    Vec v =
        n == kLanes ? Stored::load(row + i * Stored::kBytes) : Stored::load_part(row + i * Stored::kBytes, n);
    if constexpr (Stored::kScaled) v = vec_mul(v, vec_set(scale_at(a.w, a.row, i)));
    if (n == kLanes) {
      vec_store(a.y + i, v);
    } else {
      vec_store_part(a.y + i, v, n);
    }
    i += n;
  }
}

void widen(const WidenArgs& a, int64_t begin, int64_t end) {
  switch (a.w.format) {
    case nestor::quant::Format::f32:
      widen_stored<StoredF32>(a, begin, end);
      break;
    case nestor::quant::Format::f16:
      widen_stored<StoredF16>(a, begin, end);
      break;
    case nestor::quant::Format::bf16:
      widen_stored<StoredBf16>(a, begin, end);
      break;
    case nestor::quant::Format::f8_block:
      widen_stored<StoredF8>(a, begin, end);
      break;
    case nestor::quant::Format::q8:
      widen_tiled<TiledQ8>(a, begin, end);
      break;
    case nestor::quant::Format::q4:
      widen_tiled<TiledQ4>(a, begin, end);
      break;
  }
}

}  // namespace
