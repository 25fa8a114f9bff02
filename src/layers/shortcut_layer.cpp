#include "layers/shortcut_layer.h"

#include <algorithm>
#include <array>

namespace nestor::layers {

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

// The width of the layer's embedding in an MLP that takes it, else 0.
std::int64_t width_of_embedding(const ShortcutWeights::Half& half) {
  const auto* mlp = std::get_if<kernels::EmbeddedFeedForwardWeights>(&half.mlp);
  return mlp != nullptr ? mlp->gate.rows : 0;
}

// What the matrices take that multiply the input of half s: those of its MLP, and of the experts beside the
// first.
kernels::Forms forms_of_readers(const kernels::Context& ctx, const ShortcutWeights& w, std::size_t s) {
  kernels::Forms forms;
  const auto add = [&](const auto& weights) {
    const kernels::Forms own = kernels::forms_of(ctx, weights);
    forms.codes = forms.codes || own.codes;
    forms.parts = forms.parts || own.parts;
    forms.rounded = forms.rounded || own.rounded;
  };
  if (const auto* mlp = std::get_if<kernels::FeedForwardWeights>(&w.halves[s].mlp)) {
    add(std::array{&mlp->gate, &mlp->up});
  } else {
    add(std::array{&std::get<kernels::EmbeddedFeedForwardWeights>(w.halves[s].mlp).gate});
  }
  for (std::size_t e = 0; s == 0 && e < w.experts.size(); ++e)
    add(std::array{&w.experts[e].gate, &w.experts[e].up});
  return forms;
}

// Rows `at`, ascending, to the front.
void keep_rows(kernels::Rows x, std::span<const std::int32_t> at, std::int64_t cols) {
  for (std::int64_t i = 0; i < std::ssize(at); ++i) {
    if (at[static_cast<std::size_t>(i)] != i)
      std::copy_n(x.row(at[static_cast<std::size_t>(i)]), cols, x.row(i));
  }
}

// Rows `at` of an input, with the same forms and floats.
kernels::Input input_rows(const kernels::Context& ctx, const kernels::Input& x,
                          std::span<const std::int32_t> at, std::int64_t cols) {
  const kernels::Forms forms{.floats = true,
                             .codes = x.codes.has_value(),
                             .parts = x.parts.has_value(),
                             .rounded = x.rounded.has_value()};
  const kernels::Input to = kernels::take_input(ctx, std::ssize(at), cols, forms);
  kernels::gather(ctx, x, at, cols, to);
  return to;
}

}  // namespace

void shortcut_layer(const kernels::Context& ctx, const AttentionShape& shape, float norm_eps,
                    const ShortcutWeights& w, const std::array<StepCache, 2>& caches,
                    const std::optional<kernels::Rows>& embedding, kernels::Rows h,
                    const std::optional<WantedRows>& wanted, Observer& observer) {
  constexpr std::array<std::string_view, 2> kAttention = {".self_attn.0", ".self_attn.1"};
  constexpr std::array<std::string_view, 2> kMlp = {".mlps.0", ".mlps.1"};
  constexpr std::array<std::string_view, 2> kEmbedding = {".mlps.0.embedding", ".mlps.1.embedding"};
  const kernels::Arena::Scope scope(ctx.arena);
  auto rows = static_cast<std::int64_t>(caches[0].rows.size());
  const std::int64_t hidden = shape.hidden;
  const kernels::Rows x = kernels::take_rows(ctx.arena, rows, hidden);
  const kernels::Rows y = kernels::take_rows(ctx.arena, rows, hidden);
  const kernels::Rows shortcut = kernels::take_rows(ctx.arena, rows, hidden);

  for (std::size_t s = 0; s < 2; ++s) {
    const ShortcutWeights::Half& half = w.halves[s];
    const auto normed = [&](const float* weight, kernels::Forms forms) {
      return kernels::normed_input(ctx, h, rows, {weight, hidden, norm_eps, 1.0F}, x, forms);
    };
    const kernels::Arena::Scope half_scope(ctx.arena);
    const kernels::Input seen = normed(
        half.input_norm, kernels::forms_of(ctx, std::array{&half.attention.kv_a, &half.attention.q_a}));
    if (s == 1 && wanted) {
      remember(ctx, shape, half.attention, caches[s], seen);
      rows = std::ssize(wanted->at);
      if (rows == 0) return;
      recall(ctx, shape, half.attention, wanted->cache, input_rows(ctx, seen, wanted->at, hidden), y);
      keep_rows(h, wanted->at, hidden);
      if (embedding) keep_rows(*embedding, wanted->at, width_of_embedding(half));
    } else {
      attention(ctx, shape, half.attention, caches[s], seen, y);
    }
    observer.see(w.name, kAttention[s], y, rows, hidden);
    kernels::add_scaled(ctx, y, rows, hidden, 1.0F, h);

    const kernels::Input input = normed(half.post_attention_norm, forms_of_readers(ctx, w, s));
    if (s == 0 && !(wanted && wanted->at.empty())) {
      const kernels::Input routed = wanted ? input_rows(ctx, input, wanted->at, hidden) : input;
      const kernels::Routing routing = kernels::route(ctx, w.router, routed.x, routed.rows);
      observer.see_routing(w.name, routing);
      kernels::mix_experts(ctx, w.experts, routing, routed, hidden, shortcut);
      observer.see(w.name, ".mlp", shortcut, routed.rows, hidden);
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
