// The FFN experts of one layer as two stacks; the identity experts have no weights.
// Letters: E experts, I = expert_ffn_hidden_size, H hidden.
#pragma once

#include "train/modules/initial_values.h"

namespace nestor::train {

struct ExpertParameters {
  torch::Tensor gate_up;  // [E, 2 I, H], gate rows first
  torch::Tensor down;     // [E, H, I]
};

/// `output_scale` is that of the down-projections.
ExpertParameters make_experts(Initializer& make, std::int64_t layer, double output_scale);

}  // namespace nestor::train
