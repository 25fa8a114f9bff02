// The FFN experts of one layer as two stacks; the identity experts have no weights.
// Letters: E experts, I = expert_ffn_hidden_size, H hidden.
#pragma once

#include <string>

#include "config/model_config.h"
#include "train/modules/initial_values.h"

namespace nestor::train {

struct ExpertParameters {
  torch::Tensor gate_up;  // [E, 2 I, H], gate rows first
  torch::Tensor down;     // [E, H, I]
};

/// Parameters named `name`.gate_up_proj and `name`.down_proj.
ExpertParameters make_experts(Initializer& make, const config::ModelConfig& config, const std::string& name,
                              double output_scale);

}  // namespace nestor::train
