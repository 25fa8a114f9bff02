// The loops over rows that the operations' nodes share, in single and double precision: plain pointers, one
// thread, no allocation. Rows are dense unless a stride is named. What a loop returns does not depend on how
// callers split the rows, except where it says so.
#pragma once

#include <cstdint>

namespace nestor::train::ops::loops {

/// The mean of squares gets eps added; `scale` [rows] receives 1 / sqrt of that. y = x * scale * weight.
void rms_norm(const float* x, const float* weight, double eps, std::int64_t rows, std::int64_t d, float* y,
              float* scale);
void rms_norm(const double* x, const double* weight, double eps, std::int64_t rows, std::int64_t d, double* y,
              double* scale);

/// Gradients of rms_norm for a result's gradient g: dx [rows, d] is written, dweight [d] is added to (in the
/// order of rows, so it depends on the split).
void rms_norm_backward(const float* g, const float* x, const float* weight, const float* scale,
                       std::int64_t rows, std::int64_t d, float* dx, float* dweight);
void rms_norm_backward(const double* g, const double* x, const double* weight, const double* scale,
                       std::int64_t rows, std::int64_t d, double* dx, double* dweight);

/// y = silu(gate) * up for n numbers.
void swiglu(const float* gate, const float* up, std::int64_t n, float* y);
void swiglu(const double* gate, const double* up, std::int64_t n, double* y);

/// d silu(gate) up for the result's gradient g; dgate may be gate and dup may be up.
void swiglu_backward(const float* g, const float* gate, const float* up, std::int64_t n, float* dgate,
                     float* dup);
void swiglu_backward(const double* g, const double* gate, const double* up, std::int64_t n, double* dgate,
                     double* dup);

/// y = the pairs (2j, 2j+1) of x turned by the angle of cos, sin [pairs] times `direction` (1 or -1).
void rotate(const float* x, const float* cos, const float* sin, float direction, std::int64_t pairs,
            float* y);
void rotate(const double* x, const double* cos, const double* sin, double direction, std::int64_t pairs,
            double* y);

/// In place: s = exp(scale s - m) / sum with m the maximum of scale s; returns m + log(sum). n >= 1.
float softmax(float* s, float scale, std::int64_t n);
double softmax(double* s, double scale, std::int64_t n);

/// In place: s = exp(scale s - log_sum), the softmax again from what it returned.
void softmax_again(float* s, float scale, float log_sum, std::int64_t n);
void softmax_again(double* s, double scale, double log_sum, std::int64_t n);

/// In place: dp = p (dp - centre) scale.
void softmax_backward(const float* p, float centre, float scale, std::int64_t n, float* dp);
void softmax_backward(const double* p, double centre, double scale, std::int64_t n, double* dp);

float dot(const float* a, const float* b, std::int64_t n);
double dot(const double* a, const double* b, std::int64_t n);

/// y += factor x.
void add_scaled(float factor, const float* x, std::int64_t n, float* y);
void add_scaled(double factor, const double* x, std::int64_t n, double* y);

/// y = factor x; y may be x.
void scaled(float factor, const float* x, std::int64_t n, float* y);
void scaled(double factor, const double* x, std::int64_t n, double* y);

/// Rounding to bfloat16, to nearest, ties to even; the result is the upper half of a float's bits.
void narrow(const float* x, std::int64_t n, std::uint16_t* y);

/// The exact float32 of bfloat16 numbers.
void widen(const std::uint16_t* x, std::int64_t n, float* y);

}  // namespace nestor::train::ops::loops
