#include "train/modules/router.h"

#include "base/error.h"

namespace nestor::train {

using torch::Tensor;

RouterShape router_shape(const config::ModelConfig& c, const recipe::Routing& r) {
  RouterShape s{c.n_routed_experts, c.zero_expert_num, c.moe_topk,      c.routed_scaling_factor, 0,
                r.bias_rate,        r.balance_loss,    r.balance_groups};
  const auto picks = static_cast<double>(s.picks);
  const double share = static_cast<double>(s.experts) / static_cast<double>(c.routes());
  s.ffn_wanted = r.ffn_experts_wanted > 0 ? r.ffn_experts_wanted : picks * share;
  if (s.identities == 0) s.ffn_wanted = picks;
  if (s.ffn_wanted > picks) {
    fail(ErrorKind::usage, "ffn_experts_wanted is {}, expected at most moe_topk, {}", s.ffn_wanted, s.picks);
  }
  if (s.groups < 1 || s.groups > s.experts) {
    fail(ErrorKind::usage, "balance_groups is {}, expected 1 to n_routed_experts, {}", s.groups, s.experts);
  }
  return s;
}

RouterParameters make_router(Initializer& make, std::int64_t layer) {
  using config::Field, config::Part;
  return {make.parameter({Part::router, Field::classifier, layer}),
          make.zero_buffer({Part::router, Field::correction_bias, layer})};
}

namespace {

// f of the group of each expert: [E + Z]. Experts form D groups of neighbours, identity experts one more.
Tensor group_factors(const RouterShape& s, const Tensor& counts, std::int64_t tokens) {
  const Tensor expert = torch::arange(s.experts, counts.options());
  const Tensor group = torch::div(expert * s.groups, s.experts, "floor");
  const Tensor picked = counts.to(torch::kFloat64);
  const Tensor sums =
      torch::zeros({s.groups}, picked.options()).index_add(0, group, picked.slice(0, 0, s.experts));
  const auto n = static_cast<double>(tokens);
  const Tensor of_experts =
      sums.index_select(0, group) * (static_cast<double>(s.groups) / (s.ffn_wanted * n));
  const double identity_wanted = static_cast<double>(s.picks) - s.ffn_wanted;
  const double factor = identity_wanted > 0 ? 1 / (identity_wanted * n) : 0;
  const Tensor of_identities = (picked.slice(0, s.experts).sum() * factor).expand({s.identities});
  return torch::cat({of_experts, of_identities});
}

}  // namespace

Routed route(const RouterShape& s, const RouterParameters& w, const Tensor& u) {
  const ops::Routed decided = ops::route(torch::linear(u, w.classifier), w.bias, s.picks, s.scaling);
  Routed routed;
  routed.picks = decided.picks;
  routed.counts = torch::bincount(decided.picks.index.flatten(), {}, s.experts + s.identities);
  const Tensor factors = group_factors(s, routed.counts, u.size(0)).to(decided.probabilities.scalar_type());
  routed.balance = (decided.probabilities.mean(0) * factors).sum() * s.balance;
  return routed;
}

void update_bias(const RouterShape& s, const RouterParameters& w, const Tensor& counts) {
  const torch::NoGradGuard guard;
  const Tensor picked = counts.to(torch::kFloat64);
  const double picks = picked.sum().item<double>();  // k T
  if (picks == 0) return;
  const double even = s.ffn_wanted / static_cast<double>(s.picks) / static_cast<double>(s.experts);
  const Tensor change = (even - picked.slice(0, 0, s.experts) / picks) * s.bias_rate;
  w.bias.slice(0, 0, s.experts).add_(change.to(w.bias.scalar_type()));
}

Load load_of(const RouterShape& s, const Tensor& counts) {
  const Tensor picked = counts.to(torch::kCPU, torch::kFloat64);
  const double all = picked.sum().item<double>();
  const Tensor ffn = picked.slice(0, 0, s.experts);
  const double mean = ffn.mean().item<double>();
  if (all == 0) return {};
  return {1 - ffn.sum().item<double>() / all, mean > 0 ? ffn.max().item<double>() / mean : 0};
}

}  // namespace nestor::train
