// The operations as their plain versions, until there are faster ones.
#include "train/ops/ops.h"

namespace nestor::train::ops {

Tensor linear(const Tensor& x, const Tensor& w, Products p) { return plain::linear(x, w, p); }
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) { return plain::rms_norm(x, weight, eps); }
Tensor swiglu(const Tensor& gate, const Tensor& up) { return plain::swiglu(gate, up); }
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin) { return plain::rotate(x, cos, sin); }
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& segment, double scale, Products p) {
  return plain::attention(q, k, v, segment, scale, p);
}
Tensor experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks, Products p) {
  return plain::experts(u, gate_up, down, picks, p);
}
Tensor linear_cross_entropy(const Tensor& h, const Tensor& w, const Tensor& targets, Products p) {
  return plain::linear_cross_entropy(h, w, targets, p);
}
Tensor gather_rows(const Tensor& rows, const Tensor& index) { return plain::gather_rows(rows, index); }

}  // namespace nestor::train::ops
