// The dense MLP: SwiGLU, or with an embedding in the place of the up-projection (PLE and PLNE, Eq. 4 and 5 of
// the paper). Letters: n tokens, H hidden, F = ffn_hidden_size.
#pragma once

#include <optional>

#include "train/modules/initial_values.h"
#include "train/modules/step.h"

namespace nestor::train {

struct FeedForwardParameters {
  torch::Tensor gate;               // [F, H]
  std::optional<torch::Tensor> up;  // [F, H]; none where an embedding takes its place
  torch::Tensor down;               // [H, F]
};

/// Of the part, layer and sublayer of `slot`; `output_scale` is that of the down-projection.
FeedForwardParameters make_feed_forward(Initializer& make, config::Slot slot, double output_scale);

/// down(silu(gate x) * (up x)), x [n, H] normalised.
torch::Tensor feed_forward(const Step& step, const FeedForwardParameters& w, const torch::Tensor& x);

/// down(silu(gate x) * e), e [n, F].
torch::Tensor feed_forward(const Step& step, const FeedForwardParameters& w, const torch::Tensor& x,
                           const torch::Tensor& e);

}  // namespace nestor::train
