#include "kernels/route.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace nestor::kernels {
namespace {

// Where the choice of one row goes, and room to rank experts in.
struct Choice {
  std::span<std::int32_t> expert;  // [top_k]
  std::span<float> weight;         // [top_k]
  float& gap;
  std::span<float> wanted;        // [E]
  std::span<std::int32_t> order;  // [E]
};

// From probabilities [E].
void choose(const RouterWeights& w, const float* probability, const Choice& to) {
  for (std::size_t e = 0; e < to.wanted.size(); ++e) to.wanted[e] = probability[e] + w.correction_bias[e];
  std::iota(to.order.begin(), to.order.end(), 0);
  const auto value = [&](std::int32_t e) { return to.wanted[static_cast<std::size_t>(e)]; };
  const std::size_t ranked = std::min(to.expert.size() + 1, to.order.size());
  std::partial_sort(
      to.order.begin(), to.order.begin() + static_cast<std::ptrdiff_t>(ranked), to.order.end(),
      [&](std::int32_t a, std::int32_t b) { return value(a) != value(b) ? value(a) > value(b) : a < b; });
  for (std::size_t i = 0; i < to.expert.size(); ++i) {
    to.expert[i] = to.order[i];
    to.weight[i] = probability[to.order[i]] * w.scaling_factor;
  }
  to.gap = ranked > to.expert.size() ? value(to.order[ranked - 2]) - value(to.order[ranked - 1])
                                     : std::numeric_limits<float>::infinity();
}

}  // namespace

Routing route(const Context& ctx, const RouterWeights& w, Rows x, std::int64_t rows) {
  const std::int64_t experts = w.classifier.rows;
  const auto expert = ctx.arena.take_span<std::int32_t>(rows * w.top_k);
  const auto weight = ctx.arena.take_span<float>(rows * w.top_k);
  const auto gap = ctx.arena.take_span<float>(rows);
  const Arena::Scope scope(ctx.arena);
  const Rows probability = take_rows(ctx.arena, rows, experts);
  matmul(ctx, x, rows, w.classifier, probability);

  const auto wanted = ctx.arena.take_span<float>(ctx.team.threads() * experts);
  const auto order = ctx.arena.take_span<std::int32_t>(ctx.team.threads() * experts);
  const auto part = [](auto span, std::int64_t i, std::int64_t count) {
    return span.subspan(static_cast<std::size_t>(i * count), static_cast<std::size_t>(count));
  };
  for_tiles(ctx, rows, 64 * rows * experts, [&](std::int64_t t, int worker) {
    float* row = probability.row(t);
    ctx.ops.softmax({row, 0, experts, nullptr, nullptr}, 0, 1);
    choose(w, row,
           {part(expert, t, w.top_k), part(weight, t, w.top_k), gap[static_cast<std::size_t>(t)],
            part(wanted, worker, experts), part(order, worker, experts)});
  });
  return {w.top_k, expert, weight, gap};
}

}  // namespace nestor::kernels
