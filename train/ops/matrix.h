// Products of strided row-major matrices in memory: the BLAS that torch carries, without torch's calls around
// it.
#pragma once

#include <cstdint>

namespace nestor::train::ops {

enum class Form { as_is, transposed };

/// A matrix in memory: `stride` numbers from row to row of what lies there, read as it is or transposed.
template <class S>
struct Matrix {
  const S* data;
  std::int64_t stride;
  Form form = Form::as_is;
};

/// c [m, n] = a [m, k] b [k, n] + keep * c, rows of c `stride` apart; c is not read if keep is 0. One thread
/// inside a parallel region. Sizes and strides below 2^31.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, Matrix<float> b, float keep,
              float* c, std::int64_t stride);
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<double> a, Matrix<double> b, double keep,
              double* c, std::int64_t stride);

}  // namespace nestor::train::ops
