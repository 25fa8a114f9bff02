// The head: final norm's output -> logits or loss; and the loss on the size of hidden values.
#pragma once

#include "train/modules/initial_values.h"
#include "train/modules/step.h"

namespace nestor::train {

struct HeadParameters {
  torch::Tensor norm;    // [H] model.norm
  torch::Tensor weight;  // [V, H] lm_head
};
HeadParameters make_head(Initializer& make);

/// lambda / n sum_t (log sum_i exp |h_ti|)^2 over h [n, H], the last layer's output before the final norm.
torch::Tensor hidden_z_loss(const torch::Tensor& h, double lambda);

}  // namespace nestor::train
