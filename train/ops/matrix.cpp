#include "train/ops/matrix.h"

// The Fortran interface of BLAS, which libtorch_cpu exports.
extern "C" {
void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
            const double* beta, double* c, const int* ldc);
}

namespace nestor::train::ops {
namespace {

// BLAS stores by columns: it sees every matrix transposed, so the operands change places.
template <class S, class Gemm>
void by_columns(const Gemm& gemm, std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<S>& a,
                const Matrix<S>& b, S keep, S* c, std::int64_t stride) {
  const auto letter = [](Form form) { return form == Form::transposed ? "T" : "N"; };
  const int rows = static_cast<int>(n), columns = static_cast<int>(m), inner = static_cast<int>(k);
  const int first = static_cast<int>(b.stride), second = static_cast<int>(a.stride),
            third = static_cast<int>(stride);
  const S one = 1;
  gemm(letter(b.form), letter(a.form), &rows, &columns, &inner, &one, b.data, &first, a.data, &second, &keep,
       c, &third);
}

}  // namespace

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, Matrix<float> b, float keep,
              float* c, std::int64_t stride) {
  by_columns(sgemm_, m, n, k, a, b, keep, c, stride);
}

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<double> a, Matrix<double> b, double keep,
              double* c, std::int64_t stride) {
  by_columns(dgemm_, m, n, k, a, b, keep, c, stride);
}

}  // namespace nestor::train::ops
