#include "train/modules/head.h"

namespace nestor::train {

HeadParameters make_head(Initializer& make) {
  using config::Field, config::Part;
  return {make.parameter({Part::norm, Field::final_norm}), make.parameter({Part::head, Field::head})};
}

torch::Tensor hidden_z_loss(const torch::Tensor& h, double lambda) {
  return torch::logsumexp(h.abs(), 1).square().mean() * lambda;
}

}  // namespace nestor::train
