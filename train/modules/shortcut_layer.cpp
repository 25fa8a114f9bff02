#include "train/modules/shortcut_layer.h"

#include <fmt/format.h>

#include <cmath>

namespace nestor::train {
namespace {

using torch::Tensor;

// Branches that one layer adds to the residual stream: two attentions, two MLPs, one mixture. Output matrices
// start smaller by the root of all branches of the model, so that the stream's variance does not grow with
// depth.
constexpr double kBranches = 5;

Tensor mlp(const Step& step, const ShortcutParameters& w, std::size_t s, std::span<const TableLookup> lookups,
           const Tensor& u) {
  constexpr std::array<std::string_view, 2> kEmbedding = {".mlps.0.embedding", ".mlps.1.embedding"};
  const ShortcutParameters::Half& half = w.halves[s];
  if (half.mlp.up) return feed_forward(step, half.mlp, u);
  const Tensor e = half.projections ? ngram_embedding(step, lookups[0], lookups.subspan(1), *half.projections)
                                    : rows_of(lookups[0]);
  step.observer.see(w.name, kEmbedding[s], e);
  return feed_forward(step, half.mlp, u, e);
}

}  // namespace

ShortcutParameters make_shortcut_layer(Initializer& make, const config::ModelConfig& c,
                                       const LayerShape& shape, std::int64_t number) {
  const double scale = 1 / std::sqrt(kBranches * static_cast<double>(c.num_layers));
  ShortcutParameters w;
  w.name = fmt::format("model.layers.{}", number);
  for (int s = 0; s < 2; ++s) {
    ShortcutParameters::Half& half = w.halves[static_cast<std::size_t>(s)];
    const auto part = [&](const char* what) { return fmt::format("{}.{}.{}", w.name, what, s); };
    const bool embedded = c.per_layer && c.per_layer->mlp == s;
    half.input_norm = make.constant(part("input_layernorm") + ".weight", c.hidden_size, 1);
    half.attention = make_attention(make, shape.attention, part("self_attn"), scale);
    half.post_attention_norm = make.constant(part("post_attention_layernorm") + ".weight", c.hidden_size, 1);
    half.mlp = make_feed_forward(make, c.hidden_size, c.ffn_hidden_size, part("mlps"),
                                 embedded ? UpPart::embedding : UpPart::projection, scale);
    if (embedded && c.per_layer->ngram) {
      half.projections = make_ngram_projections(make, c.ffn_hidden_size, part("mlps") + ".ngram_embeddings");
    }
  }
  w.router = make_router(make, shape.router, w.name + ".mlp.router");
  w.experts = make_experts(make, c, w.name + ".mlp.experts", scale);
  return w;
}

ShortcutResult shortcut_layer(const Step& step, const LayerShape& shape, const ShortcutParameters& w,
                              std::span<const TableLookup> lookups, Tensor h) {
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
    const Tensor y = mlp(step, w, s, lookups, u);
    step.observer.see(w.name, kMlp[s], y);
    h = h + y;
  }
  result.h = h + shortcut;
  step.observer.see(w.name, "", result.h);
  return result;
}

}  // namespace nestor::train
