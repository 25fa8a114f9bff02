#include "train/ops/loops.h"

#include <bit>
#include <cmath>

// Each float loop is compiled three times and the processor picks at load time; double serves the gradient
// checks, compiled once from the same body.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NESTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NESTOR_CLONES
#endif
#define NESTOR_BODY  \
  template <class S> \
  __attribute__((always_inline)) inline

namespace nestor::train::ops::loops {
namespace {

/// e^x. Cody and Waite: x = k ln 2 + r with |r| <= 0.3466, a polynomial of degree 7 in r, the power of two
/// through the exponent's bits. The Taylor remainder r^8 / 8! is below 5.2e-9 relative, under 0.1 units in
/// the last place; with the roundings of the polynomial's last steps the error stays below 2 units in the
/// last place. Below -87 the result is e^-87 = 1.6e-38 (softmax and sigmoid only add it to numbers near 1),
/// above 88 it is e^88.
__attribute__((always_inline)) inline float exponential(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504F + kMagic;
  const float k = shifted - kMagic;
  const float r = (x - k * 0.693145752F) - k * 1.42860677e-6F;  // ln 2 in two parts, the first with 15 bits
  float p = 1.98412698e-4F;
  p = p * r + 1.38888889e-3F;
  p = p * r + 8.33333333e-3F;
  p = p * r + 4.16666667e-2F;
  p = p * r + 1.66666667e-1F;
  p = p * r + 0.5F;
  p = p * (r * r) + r;
  p = p + 1.0F;
  const auto power = static_cast<std::int32_t>(k);
  return p * std::bit_cast<float>((power + 127) << 23);
}
inline double exponential(double x) { return std::exp(x); }

template <class S>
__attribute__((always_inline)) inline S sigmoid(S x) {
  return S{1} / (S{1} + exponential(-x));
}

NESTOR_BODY S dot_body(const S* a, const S* b, std::int64_t n) {
  S sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

NESTOR_BODY void rms_norm_body(const S* x, const S* weight, double eps, std::int64_t rows, std::int64_t d,
                               S* y, S* scale) {
  for (std::int64_t row = 0; row < rows; ++row, x += d, y += d) {
    const S mean = dot_body(x, x, d) / static_cast<S>(d);
    const S r = S{1} / std::sqrt(mean + static_cast<S>(eps));
    scale[row] = r;
#pragma omp simd
    for (std::int64_t i = 0; i < d; ++i) y[i] = x[i] * r * weight[i];
  }
}

NESTOR_BODY void rms_norm_backward_body(const S* g, const S* x, const S* weight, const S* scale,
                                        std::int64_t rows, std::int64_t d, S* dx, S* dweight) {
  for (std::int64_t row = 0; row < rows; ++row, x += d, g += d, dx += d) {
    const S r = scale[row];
    S sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < d; ++i) {
      sum += g[i] * weight[i] * x[i];
      dweight[i] += g[i] * x[i] * r;
    }
    const S back = sum / static_cast<S>(d) * r * r * r;
#pragma omp simd
    for (std::int64_t i = 0; i < d; ++i) dx[i] = g[i] * weight[i] * r - x[i] * back;
  }
}

NESTOR_BODY void swiglu_body(const S* gate, const S* up, std::int64_t n, S* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

NESTOR_BODY void swiglu_backward_body(const S* g, const S* gate, const S* up, std::int64_t n, S* dgate,
                                      S* dup) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const S x = gate[i], u = up[i], s = sigmoid(x);
    dgate[i] = g[i] * u * s * (S{1} + x * (S{1} - s));
    dup[i] = g[i] * x * s;
  }
}

NESTOR_BODY void rotate_body(const S* x, const S* cos, const S* sin, S direction, std::int64_t pairs, S* y) {
  for (std::int64_t j = 0; j < pairs; ++j) {
    const S a = x[2 * j], b = x[2 * j + 1], c = cos[j], s = sin[j] * direction;
    y[2 * j] = a * c - b * s;
    y[2 * j + 1] = b * c + a * s;
  }
}

NESTOR_BODY S softmax_body(S* s, S scale, std::int64_t n) {
  S most = s[0] * scale;
#pragma omp simd reduction(max : most)
  for (std::int64_t i = 0; i < n; ++i) {
    const S value = s[i] * scale;
    most = most < value ? value : most;
  }
  S sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) {
    const S e = exponential(s[i] * scale - most);
    s[i] = e;
    sum += e;
  }
  const S inverse = S{1} / sum;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) s[i] *= inverse;
  return most + std::log(sum);
}

NESTOR_BODY void softmax_again_body(S* s, S scale, S log_sum, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) s[i] = exponential(s[i] * scale - log_sum);
}

NESTOR_BODY void softmax_backward_body(const S* p, S centre, S scale, std::int64_t n, S* dp) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) dp[i] = p[i] * (dp[i] - centre) * scale;
}

NESTOR_BODY void add_scaled_body(S factor, const S* x, std::int64_t n, S* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

NESTOR_BODY void scaled_body(S factor, const S* x, std::int64_t n, S* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = factor * x[i];
}

}  // namespace

NESTOR_CLONES void narrow(const float* x, std::int64_t n, std::uint16_t* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(x[i]);
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
    // Not a number keeps its upper half, made quiet, lest rounding carry it into infinity.
    y[i] = static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? (bits >> 16) | 0x40U : rounded);
  }
}

NESTOR_CLONES void widen(const std::uint16_t* x, std::int64_t n, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = std::bit_cast<float>(static_cast<std::uint32_t>(x[i]) << 16);
}

NESTOR_CLONES void rms_norm(const float* x, const float* weight, double eps, std::int64_t rows,
                            std::int64_t d, float* y, float* scale) {
  rms_norm_body(x, weight, eps, rows, d, y, scale);
}
NESTOR_CLONES void rms_norm_backward(const float* g, const float* x, const float* weight, const float* scale,
                                     std::int64_t rows, std::int64_t d, float* dx, float* dweight) {
  rms_norm_backward_body(g, x, weight, scale, rows, d, dx, dweight);
}
NESTOR_CLONES void swiglu(const float* gate, const float* up, std::int64_t n, float* y) {
  swiglu_body(gate, up, n, y);
}
NESTOR_CLONES void swiglu_backward(const float* g, const float* gate, const float* up, std::int64_t n,
                                   float* dgate, float* dup) {
  swiglu_backward_body(g, gate, up, n, dgate, dup);
}
NESTOR_CLONES void rotate(const float* x, const float* cos, const float* sin, float direction,
                          std::int64_t pairs, float* y) {
  rotate_body(x, cos, sin, direction, pairs, y);
}
NESTOR_CLONES float softmax(float* s, float scale, std::int64_t n) { return softmax_body(s, scale, n); }
NESTOR_CLONES void softmax_again(float* s, float scale, float log_sum, std::int64_t n) {
  softmax_again_body(s, scale, log_sum, n);
}
NESTOR_CLONES void softmax_backward(const float* p, float centre, float scale, std::int64_t n, float* dp) {
  softmax_backward_body(p, centre, scale, n, dp);
}
NESTOR_CLONES float dot(const float* a, const float* b, std::int64_t n) { return dot_body(a, b, n); }
NESTOR_CLONES void add_scaled(float factor, const float* x, std::int64_t n, float* y) {
  add_scaled_body(factor, x, n, y);
}
NESTOR_CLONES void scaled(float factor, const float* x, std::int64_t n, float* y) {
  scaled_body(factor, x, n, y);
}

void rms_norm(const double* x, const double* weight, double eps, std::int64_t rows, std::int64_t d, double* y,
              double* scale) {
  rms_norm_body(x, weight, eps, rows, d, y, scale);
}
void rms_norm_backward(const double* g, const double* x, const double* weight, const double* scale,
                       std::int64_t rows, std::int64_t d, double* dx, double* dweight) {
  rms_norm_backward_body(g, x, weight, scale, rows, d, dx, dweight);
}
void swiglu(const double* gate, const double* up, std::int64_t n, double* y) { swiglu_body(gate, up, n, y); }
void swiglu_backward(const double* g, const double* gate, const double* up, std::int64_t n, double* dgate,
                     double* dup) {
  swiglu_backward_body(g, gate, up, n, dgate, dup);
}
void rotate(const double* x, const double* cos, const double* sin, double direction, std::int64_t pairs,
            double* y) {
  rotate_body(x, cos, sin, direction, pairs, y);
}
double softmax(double* s, double scale, std::int64_t n) { return softmax_body(s, scale, n); }
void softmax_again(double* s, double scale, double log_sum, std::int64_t n) {
  softmax_again_body(s, scale, log_sum, n);
}
void softmax_backward(const double* p, double centre, double scale, std::int64_t n, double* dp) {
  softmax_backward_body(p, centre, scale, n, dp);
}
double dot(const double* a, const double* b, std::int64_t n) { return dot_body(a, b, n); }
void add_scaled(double factor, const double* x, std::int64_t n, double* y) {
  add_scaled_body(factor, x, n, y);
}
void scaled(double factor, const double* x, std::int64_t n, double* y) { scaled_body(factor, x, n, y); }

}  // namespace nestor::train::ops::loops
