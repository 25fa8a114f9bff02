#include "kernels/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "quant/matrix.h"

namespace nestor::kernels {
namespace {

std::vector<float> widened_row(const MatrixView& w, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(w.cols));
  for (std::int64_t i = 0; i < w.cols; ++i) values[static_cast<std::size_t>(i)] = quant::element(w, row, i);
  return values;
}

void matmul(const MatmulArgs& a, std::int64_t n_begin, std::int64_t n_end) {
  for (std::int64_t n = n_begin; n < n_end; ++n) {
    const std::vector<float> w = widened_row(a.w, n);
    for (std::int64_t t = 0; t < a.rows; ++t) {
      const float* x = a.x + t * a.x_stride;
      double sum = 0;
      for (std::size_t k = 0; k < w.size(); ++k) sum += static_cast<double>(x[k]) * static_cast<double>(w[k]);
      a.y[t * a.y_stride + n] = static_cast<float>(sum);
    }
  }
}

void matmul_transposed(const MatmulTransposedArgs& a, std::int64_t n_begin, std::int64_t n_end) {
  for (std::int64_t t = 0; t < a.rows && a.sums == Sums::fresh; ++t)
    std::fill(a.y + t * a.y_stride + n_begin, a.y + t * a.y_stride + n_end, 0.0F);
  const float* column = a.x;
  for (const MatrixView& m : std::span(a.w, static_cast<std::size_t>(a.matrices))) {
    for (std::int64_t k = 0; k < m.rows; ++k, ++column) {
      const std::vector<float> w = widened_row(m, k);
      for (std::int64_t t = 0; t < a.rows; ++t) {
        const float x = column[t * a.x_stride];
        float* y = a.y + t * a.y_stride;
        for (std::int64_t n = n_begin; n < n_end; ++n) y[n] += x * w[static_cast<std::size_t>(n)];
      }
    }
  }
}

void rms_norm(const RmsNormArgs& a, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + t * a.x_stride;
    float* y = a.y + t * a.y_stride;
    double squares = 0;
    for (std::int64_t i = 0; i < a.cols; ++i)
      squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    const auto inverse = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(a.cols) + a.eps));
    for (std::int64_t i = 0; i < a.cols; ++i) y[i] = a.w[i] * (x[i] * inverse) * a.scale;
  }
}

void layer_norm(const LayerNormArgs& a, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float* x = a.x + t * a.x_stride;
    float* y = a.y + t * a.y_stride;
    const auto count = static_cast<double>(a.cols);
    double mean = 0;
    for (std::int64_t i = 0; i < a.cols; ++i) mean += x[i];
    mean /= count;
    double squares = 0;
    for (std::int64_t i = 0; i < a.cols; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double inverse = 1.0 / std::sqrt(squares / count + a.eps);
    for (std::int64_t i = 0; i < a.cols; ++i) {
      y[i] = static_cast<float>((x[i] - mean) * inverse * a.w[i] + a.b[i]);
    }
  }
}

void swiglu(const SwigluArgs& a, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) a.y[i] = a.gate[i] / (1.0F + std::exp(-a.gate[i])) * a.up[i];
}

void softmax(const SoftmaxArgs& a, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    float* x = a.x + t * a.stride;
    const float largest = *std::max_element(x, x + a.cols);
    double sum = 0;
    for (std::int64_t i = 0; i < a.cols; ++i) {
      x[i] = std::exp(x[i] - largest);
      sum += x[i];
    }
    for (std::int64_t i = 0; i < a.cols; ++i) x[i] /= static_cast<float>(sum);
    if (a.peaks != nullptr) a.peaks[t] = largest;
    if (a.sums != nullptr) a.sums[t] = static_cast<float>(sum);
  }
}

void add_scaled(const AddScaledArgs& a, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) a.y[i] = a.keep * a.y[i] + a.factor * a.x[i];
}

void widen(const WidenArgs& a, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) a.y[i] = quant::element(a.w, a.row, i);
}

}  // namespace

const OpTable& reference_table() {
  static const OpTable table = {"reference", matmul, matmul_transposed, rms_norm, layer_norm, swiglu, softmax,
                                add_scaled,  widen,  nullptr,           nullptr};
  return table;
}

}  // namespace nestor::kernels
