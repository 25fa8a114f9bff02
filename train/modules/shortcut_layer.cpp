#include "train/modules/shortcut_layer.h"

#include <cmath>

namespace nestor::train {
namespace {

using config::Field;
using config::Part;
using torch::Tensor;

// Branches that one layer adds to the residual stream: two attentions, two MLPs, one mixture. Output matrices
// start smaller by the root of all branches of the model, so that the stream's variance does not grow with
// depth.
constexpr double kBranches = 5;

Tensor mlp(const Step& step, const ShortcutParameters& w, std::size_t s, std::span<const EmbeddingLookup> own,
           const Tensor& u) {
  constexpr std::array<std::string_view, 2> kEmbedding = {".mlps.0.embedding", ".mlps.1.embedding"};
  const ShortcutParameters::Half& half = w.halves[s];
  if (half.mlp.up) return feed_forward(step, half.mlp, u);
  const EmbeddingLookup& lookup = own.front();
  const Tensor e = half.projections ? ngram_embedding(step, lookup, *half.projections) : rows_of(lookup.word);
  step.observer.see(w.name, kEmbedding[s], e);
  return feed_forward(step, half.mlp, u, e);
}

}  // namespace

ShortcutParameters make_shortcut_layer(Initializer& make, std::int64_t number, std::int64_t layers) {
  const double scale = 1 / std::sqrt(kBranches * static_cast<double>(layers));
  ShortcutParameters w;
  w.name = config::layer_name(number);
  for (int s = 0; s < 2; ++s) {
    ShortcutParameters::Half& half = w.halves[static_cast<std::size_t>(s)];
    half.input_norm = make.parameter({Part::norm, Field::input_norm, number, s});
    half.attention = make_attention(make, {Part::attention, {}, number, s}, scale);
    half.post_attention_norm = make.parameter({Part::norm, Field::post_attention_norm, number, s});
    half.mlp = make_feed_forward(make, {Part::dense_mlp, {}, number, s}, scale);
    const config::Slot projections = {Part::layer_projection, Field::projection, number, s};
    if (make.has(projections)) half.projections = NgramProjections{make.parameter(projections)};
  }
  w.router = make_router(make, number);
  w.experts = make_experts(make, number, scale);
  return w;
}

ShortcutResult shortcut_layer(const Step& step, const LayerShape& shape, const ShortcutParameters& w,
                              std::span<const EmbeddingLookup> own, Tensor h) {
  constexpr std::array<std::string_view, 2> kAttention = {".self_attn.0", ".self_attn.1"};
  constexpr std::array<std::string_view, 2> kMlp = {".mlps.0", ".mlps.1"};
  ShortcutResult result;
  Tensor shortcut;
  for (std::size_t s = 0; s < 2; ++s) {
    const ShortcutParameters::Half& half = w.halves[s];
    const Tensor a = ops::rms_norm(h, half.input_norm, shape.norm_eps);
    const Tensor attended = attention(step, shape.attention, half.attention, a);
    step.observer.see(w.name, kAttention[s], attended);
    h = h + attended;

    const Tensor u = ops::rms_norm(h, half.post_attention_norm, shape.norm_eps);
    if (s == 0) {
      result.routed = route(shape.router, w.router, u);
      step.observer.see(w.name, ".mlp.chosen", result.routed.picks.index);
      shortcut = ops::experts(u, w.experts.gate_up, w.experts.down, result.routed.picks, step.products);
      step.observer.see(w.name, ".mlp", shortcut);
    }
    const Tensor y = mlp(step, w, s, own, u);
    step.observer.see(w.name, kMlp[s], y);
    h = h + y;
  }
  result.h = h + shortcut;
  step.observer.see(w.name, "", result.h);
  return result;
}

}  // namespace nestor::train
