#include "train/modules/experts.h"

namespace nestor::train {

ExpertParameters make_experts(Initializer& make, const config::ModelConfig& c, const std::string& name,
                              double output_scale) {
  const std::int64_t count = c.n_routed_experts, inner = c.expert_ffn_hidden_size, hidden = c.hidden_size;
  return {make.matrix(name + ".gate_up_proj", {count, 2 * inner, hidden}, Role::expert_stack),
          make.matrix(name + ".down_proj", {count, hidden, inner}, Role::expert_stack, output_scale)};
}

}  // namespace nestor::train
