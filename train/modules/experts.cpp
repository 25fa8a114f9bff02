#include "train/modules/experts.h"

namespace nestor::train {

ExpertParameters make_experts(Initializer& make, std::int64_t layer, double output_scale) {
  using config::Field, config::Part;
  return {make.parameter({Part::experts, Field::gate_up, layer}),
          make.parameter({Part::experts, Field::down, layer}, output_scale)};
}

}  // namespace nestor::train
