// Mixture of experts where launching an operation costs more than its arithmetic, on GPUs: every expert gets
// a block of as many rows as the busiest one has, and all experts' products are one batched product.
#include "train/ops/ops.h"

namespace nestor::train::ops {

Tensor batched_experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks,
                       Products products) {
  const std::int64_t experts = gate_up.size(0), inner = down.size(2), k = picks.index.size(1);
  const Tensor identity = u * (picks.weight * (picks.index >= experts)).sum(1, true);

  // The picks sorted by expert, identity experts last.
  const Tensor pick = picks.index.flatten().to(torch::kInt64);
  const auto [sorted, order] = pick.sort(/*stable=*/true, 0, /*descending=*/false);
  const Tensor counts = torch::bincount(pick, {}, experts).slice(0, 0, experts);
  const Tensor on_host = counts.cpu();  // the one wait for the device
  const std::int64_t real = on_host.sum().item<std::int64_t>(), rows = on_host.max().item<std::int64_t>();
  const Tensor slot = order.slice(0, 0, real), expert = sorted.slice(0, 0, real);
  const Tensor token = torch::div(slot, k, "floor");
  const Tensor begin = counts.cumsum(0) - counts;
  const Tensor place = expert * rows + torch::arange(real, pick.options()) - begin.index_select(0, expert);

  const auto type = products == Products::bf16 ? torch::kBFloat16 : u.scalar_type();
  const Tensor blocks = torch::zeros({experts * rows, u.size(1)}, u.options())
                            .index_copy(0, place, u.index_select(0, token))
                            .view({experts, rows, u.size(1)});
  const Tensor hidden = torch::bmm(blocks.to(type), gate_up.to(type).transpose(1, 2)).to(u.scalar_type());
  const Tensor mixed = swiglu(hidden.narrow(2, 0, inner), hidden.narrow(2, inner, inner));
  const Tensor answers = torch::bmm(mixed.to(type), down.to(type).transpose(1, 2)).to(u.scalar_type());
  const Tensor weight = picks.weight.flatten().index_select(0, slot).unsqueeze(1);
  return identity.index_add(0, token, answers.flatten(0, 1).index_select(0, place) * weight);
}

}  // namespace nestor::train::ops
