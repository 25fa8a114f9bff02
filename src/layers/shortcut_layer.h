// The shortcut layer (spec 3.1): two attentions and two dense MLPs in a row, and a mixture of experts that
// starts from the first MLP's input and joins at the end.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kernels/experts.h"
#include "layers/attention.h"
#include "layers/observer.h"

namespace nestor::layers {

struct ShortcutWeights {
  struct Half {
    const float* input_norm;  // [H]
    AttentionWeights attention;
    const float* post_attention_norm;  // [H]
    kernels::FeedForwardWeights mlp;
  };

  std::string name;  // "model.layers.N", for observers
  std::array<Half, 2> halves;
  kernels::RouterWeights router;
  std::vector<kernels::FeedForwardWeights> experts;
};

/// h [T, H] is the residual stream, changed in place. `caches` are those of the two attentions.
void shortcut_layer(const kernels::Context& ctx, const AttentionShape& shape, float norm_eps,
                    const ShortcutWeights& w, const std::array<StepCache, 2>& caches, kernels::Rows h,
                    Observer& observer);

}  // namespace nestor::layers
