// The shortcut layer: two attentions and two dense MLPs in a row, and a mixture of experts that
// starts from the first MLP's input and joins at the end.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/experts.h"
#include "layers/attention.h"
#include "layers/observer.h"

namespace nestor::layers {

struct ShortcutWeights {
  /// A dense MLP multiplies its gate by an up-projection, or by the layer's embedding of the token.
  using Mlp = std::variant<kernels::FeedForwardWeights, kernels::EmbeddedFeedForwardWeights>;

  struct Half {
    const float* input_norm;  // [H]
    AttentionWeights attention;
    const float* post_attention_norm;  // [H]
    Mlp mlp;
  };

  std::string name;  // "model.layers.N", for observers
  std::array<Half, 2> halves;
  kernels::RouterWeights router;
  std::vector<kernels::FeedForwardWeights> experts;
};

/// The rows that somebody wants to come out of the last layer, ascending, and their step in its second
/// attention.
struct WantedRows {
  std::span<const std::int32_t> at;
  StepCache cache;
};

/// h [T, H] is the residual stream, changed in place. `caches` are those of the two attentions. `embedding`
/// [T, F] is there if one of the MLPs takes it. Where only some rows are wanted, they come out as the first
/// rows of h; of the others, what attention remembers is all that is computed. h and embedding are then
/// changed in every row.
void shortcut_layer(const kernels::Context& ctx, const AttentionShape& shape, float norm_eps,
                    const ShortcutWeights& w, const std::array<StepCache, 2>& caches,
                    const std::optional<kernels::Rows>& embedding, kernels::Rows h,
                    const std::optional<WantedRows>& wanted, Observer& observer);

}  // namespace nestor::layers
