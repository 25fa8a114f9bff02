#include "train/modules/head.h"

namespace nestor::train {

HeadParameters make_head(Initializer& make, std::int64_t vocab, std::int64_t hidden) {
  return {make.constant("model.norm.weight", hidden, 1),
          make.matrix("lm_head.weight", {vocab, hidden}, Role::head)};
}

torch::Tensor hidden_z_loss(const torch::Tensor& h, double lambda) {
  return torch::logsumexp(h.abs(), 1).square().mean() * lambda;
}

}  // namespace nestor::train
