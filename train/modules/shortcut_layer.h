// The shortcut layer: two attentions and two dense MLPs in a row, and a mixture of experts that starts from
// the first MLP's input and joins at the end.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "train/modules/attention.h"
#include "train/modules/experts.h"
#include "train/modules/feed_forward.h"
#include "train/modules/ngram_embedding.h"
#include "train/modules/router.h"

namespace nestor::train {

/// What all layers of a model share.
struct LayerShape {
  AttentionShape attention;
  RouterShape router;
  double norm_eps = 0;
};

struct ShortcutParameters {
  struct Half {
    torch::Tensor input_norm;  // [H]
    AttentionParameters attention;
    torch::Tensor post_attention_norm;  // [H]
    FeedForwardParameters mlp;
    std::optional<NgramProjections> projections;  // of a per-layer n-gram embedding
  };

  std::string name;  // "model.layers.N"
  std::array<Half, 2> halves;
  RouterParameters router;
  ExpertParameters experts;
};

/// Layer `number` of `layers`.
ShortcutParameters make_shortcut_layer(Initializer& make, std::int64_t number, std::int64_t layers);

struct ShortcutResult {
  torch::Tensor h;  // [n, H]
  Routed routed;
};

/// h [n, H] is the residual stream; `own` is the layer's embedding, if it has one.
ShortcutResult shortcut_layer(const Step& step, const LayerShape& shape, const ShortcutParameters& w,
                              std::span<const EmbeddingLookup> own, torch::Tensor h);

}  // namespace nestor::train
