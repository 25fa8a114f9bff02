// The router: softmax over FFN and identity experts, a selection bias that balances the load without a
// gradient, top-k without renormalisation, and the balance loss. Letters: n tokens, H hidden, E FFN experts,
// Z identity experts, k picks of a token, K_e of them wanted on FFN experts.
#pragma once

#include <vector>

#include "config/model_config.h"
#include "recipe/recipe.h"
#include "train/modules/initial_values.h"
#include "train/ops/ops.h"

namespace nestor::train {

/// What all routers of a model share.
struct RouterShape {
  std::int64_t experts, identities, picks;
  double scaling;       // routed_scaling_factor
  double ffn_wanted;    // K_e
  double bias_rate;     // mu of the bias update
  double balance;       // alpha of the balance loss
  std::int64_t groups;  // D of the balance loss
};

/// Error(usage) for a K_e or a number of groups that the experts do not allow.
RouterShape router_shape(const config::ModelConfig& config, const recipe::Routing& routing);

struct RouterParameters {
  torch::Tensor classifier;  // [E + Z, H], computed with in its own precision whatever other products use
  torch::Tensor bias;        // [E + Z] e_score_correction_bias, a buffer
};
RouterParameters make_router(Initializer& make, std::int64_t layer);

struct Routed {
  ops::Picks picks;
  torch::Tensor counts;  // [E + Z] int64: tokens that picked each
  torch::Tensor
      balance;  // scalar with gradient: alpha sum_j f_j P_j over D groups and that of the identity experts
};

/// From normalised u [n, H].
Routed route(const RouterShape& shape, const RouterParameters& w, const torch::Tensor& u);

/// One step of the controller of the load, FFN experts only: b_i += mu ((K_e / k) / E - T_i / (k T)).
/// counts [E + Z] int64 of a whole optimizer step. Without tokens nothing changes.
void update_bias(const RouterShape& shape, const RouterParameters& w, const torch::Tensor& counts);

/// What to watch, of one layer.
struct Load {
  double identity_share = 0;  // of all picks
  double most = 0;            // picks of an FFN expert relative to an even share
};
Load load_of(const RouterShape& shape, const torch::Tensor& counts);

}  // namespace nestor::train
