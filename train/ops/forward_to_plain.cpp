// Stands in for the operations whose own node is not written yet.
#include "train/ops/ops.h"

namespace nestor::train::ops {

Tensor linear(const Tensor& x, const Tensor& w, Products products) { return plain::linear(x, w, products); }
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) { return plain::rms_norm(x, weight, eps); }
Tensor swiglu(const Tensor& gate, const Tensor& up) { return plain::swiglu(gate, up); }
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin) { return plain::rotate(x, cos, sin); }
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& segment, double scale,
                 Products products) {
  return plain::attention(q, k, v, segment, scale, products);
}
Tensor experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks, Products products) {
  return plain::experts(u, gate_up, down, picks, products);
}
Tensor linear_cross_entropy(const Tensor& h, const Tensor& w, const Tensor& targets, Products products) {
  return plain::linear_cross_entropy(h, w, targets, products);
}
Tensor gather_rows(const Tensor& rows, const Tensor& index) { return plain::gather_rows(rows, index); }
Routed route(const Tensor& logits, const Tensor& bias, std::int64_t k, double scaling) {
  return plain::route(logits, bias, k, scaling);
}

}  // namespace nestor::train::ops
