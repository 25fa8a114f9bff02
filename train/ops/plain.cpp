#include "train/ops/ops.h"

namespace nestor::train::ops::plain {

Tensor linear(const Tensor& x, const Tensor& w, Products products) {
  if (products == Products::f32) return torch::linear(x, w);
  return torch::linear(x.to(torch::kBFloat16), w.to(torch::kBFloat16)).to(x.scalar_type());
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return x * torch::rsqrt(x.square().mean(-1, true) + eps) * weight;
}

Tensor swiglu(const Tensor& gate, const Tensor& up) { return torch::silu(gate) * up; }

Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  const Tensor even = x.slice(-1, 0, c10::nullopt, 2), odd = x.slice(-1, 1, c10::nullopt, 2);
  const Tensor c = cos.unsqueeze(1), s = sin.unsqueeze(1);
  return torch::stack({even * c - odd * s, odd * c + even * s}, -1).flatten(-2);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& segment, double scale,
                 Products products) {
  const auto type = products == Products::bf16 ? torch::kBFloat16 : q.scalar_type();
  const auto heads_first = [&](const Tensor& x) { return x.to(type).transpose(1, 2); };
  const std::int64_t length = q.size(1);
  const Tensor causal = torch::ones({length, length}, segment.options().dtype(torch::kBool)).tril();
  const Tensor seen = (segment.unsqueeze(1) == segment.unsqueeze(2)) & causal;  // [B, T, T]
  Tensor scores = torch::matmul(heads_first(q), heads_first(k).transpose(2, 3)).to(q.scalar_type()) * scale;
  scores = scores.masked_fill(~seen.unsqueeze(1), -std::numeric_limits<double>::infinity());
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1).to(type), heads_first(v));
  return mixed.transpose(1, 2).to(q.scalar_type()).contiguous();
}

Tensor experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks,
               Products products) {
  const std::int64_t count = gate_up.size(0), inner = down.size(2);
  Tensor out = u * (picks.weight * (picks.index >= count)).sum(1, true);
  for (std::int64_t e = 0; e < count; ++e) {
    const auto where = torch::where(picks.index == e);
    if (where[0].numel() == 0) continue;
    const Tensor hidden = plain::linear(u.index_select(0, where[0]), gate_up[e], products);
    const Tensor mixed = plain::swiglu(hidden.slice(1, 0, inner), hidden.slice(1, inner));
    const Tensor weight = picks.weight.index({where[0], where[1]}).unsqueeze(1);
    out = out.index_add(0, where[0], plain::linear(mixed, down[e], products) * weight);
  }
  return out;
}

Routed route(const Tensor& logits, const Tensor& bias, std::int64_t k, double scaling) {
  const Tensor p = torch::softmax(logits, -1);
  const Tensor order = torch::argsort(p.detach() + bias.detach(), /*stable=*/true, -1, /*descending=*/true);
  const Tensor index = order.slice(1, 0, k);
  return {{index.to(torch::kInt32), p.gather(1, index) * scaling}, p};
}

Tensor linear_cross_entropy(const Tensor& h, const Tensor& w, const Tensor& targets, Products products) {
  const Tensor logits = plain::linear(h, w, products);
  const Tensor scored = targets >= 0;
  const Tensor log_p = torch::log_softmax(logits, -1);
  const Tensor picked = log_p.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1);
  return -(picked * scored).sum();
}

Tensor gather_rows(const Tensor& rows, const Tensor& index) { return rows.index_select(0, index); }

}  // namespace nestor::train::ops::plain
