#include "layers/shortcut_layer.h"

namespace nestor::layers {

void Observer::see(std::string_view, std::string_view, kernels::Rows, std::int64_t, std::int64_t) {}
void Observer::see_routing(std::string_view, const kernels::Routing&) {}

namespace {

// One of the two dense MLPs, y [T, H] from x [T, H].
void dense_mlp(const kernels::Context& ctx, const ShortcutWeights::Mlp& mlp, const kernels::Input& x,
               const std::optional<kernels::Rows>& embedding, kernels::Rows y) {
  if (const auto* w = std::get_if<kernels::FeedForwardWeights>(&mlp)) {
    kernels::feed_forward(ctx, *w, x, y);
  } else {
    kernels::feed_forward(ctx, std::get<kernels::EmbeddedFeedForwardWeights>(mlp), x, embedding.value(), y);
  }
}

// A matrix that multiplies the input of half s and takes codes, of its MLP or of the experts beside the
// first; or none.
const kernels::MatrixView* coded_reader(const kernels::Context& ctx, const ShortcutWeights& w,
                                        std::size_t s) {
  const auto coded = [&](const kernels::MatrixView& m) {
    return kernels::takes_codes(ctx, m) ? &m : nullptr;
  };
  const kernels::MatrixView* found = nullptr;
  std::visit([&](const auto& mlp) { found = coded(mlp.gate); }, w.halves[s].mlp);
  const auto* mlp = std::get_if<kernels::FeedForwardWeights>(&w.halves[s].mlp);
  if (found == nullptr && mlp != nullptr) found = coded(mlp->up);
  for (std::size_t e = 0; s == 0 && found == nullptr && e < w.experts.size(); ++e) {
    found = coded(w.experts[e].gate);
    if (found == nullptr) found = coded(w.experts[e].up);
  }
  return found;
}

}  // namespace

void shortcut_layer(const kernels::Context& ctx, const AttentionShape& shape, float norm_eps,
                    const ShortcutWeights& w, const std::array<StepCache, 2>& caches,
                    const std::optional<kernels::Rows>& embedding, kernels::Rows h, Observer& observer) {
  constexpr std::array<std::string_view, 2> kAttention = {".self_attn.0", ".self_attn.1"};
  constexpr std::array<std::string_view, 2> kMlp = {".mlps.0", ".mlps.1"};
  constexpr std::array<std::string_view, 2> kEmbedding = {".mlps.0.embedding", ".mlps.1.embedding"};
  const kernels::Arena::Scope scope(ctx.arena);
  const auto rows = static_cast<std::int64_t>(caches[0].rows.size());
  const std::int64_t hidden = shape.hidden;
  const kernels::Rows x = kernels::take_rows(ctx.arena, rows, hidden);
  const kernels::Rows y = kernels::take_rows(ctx.arena, rows, hidden);
  const kernels::Rows shortcut = kernels::take_rows(ctx.arena, rows, hidden);

  for (std::size_t s = 0; s < 2; ++s) {
    const ShortcutWeights::Half& half = w.halves[s];
    kernels::rms_norm(ctx, h, rows, half.input_norm, hidden, norm_eps, 1.0F, x);
    attention(ctx, shape, half.attention, caches[s], x, y);
    observer.see(w.name, kAttention[s], y, rows, hidden);
    kernels::add_scaled(ctx, y, rows, hidden, 1.0F, h);

    kernels::rms_norm(ctx, h, rows, half.post_attention_norm, hidden, norm_eps, 1.0F, x);
    const kernels::Arena::Scope input_scope(ctx.arena);
    const kernels::Input input = kernels::input_of(ctx, x, rows, coded_reader(ctx, w, s));
    if (s == 0) {
      const kernels::Routing routing = kernels::route(ctx, w.router, x, rows);
      observer.see_routing(w.name, routing);
      kernels::mix_experts(ctx, w.experts, routing, input, hidden, shortcut);
      observer.see(w.name, ".mlp", shortcut, rows, hidden);
    }
    if (const auto* mlp = std::get_if<kernels::EmbeddedFeedForwardWeights>(&half.mlp)) {
      observer.see(w.name, kEmbedding[s], embedding.value(), rows, mlp->gate.rows);
    }
    dense_mlp(ctx, half.mlp, input, embedding, y);
    observer.see(w.name, kMlp[s], y, rows, hidden);
    kernels::add_scaled(ctx, y, rows, hidden, 1.0F, h);
  }
  kernels::add_scaled(ctx, shortcut, rows, hidden, 1.0F, h);
  observer.see(w.name, "", h, rows, hidden);
}

}  // namespace nestor::layers
