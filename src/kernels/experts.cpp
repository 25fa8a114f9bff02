#include "kernels/experts.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "kernels/gated.h"

namespace nestor::kernels {
namespace {

struct Pick {
  std::int32_t expert;
  std::int32_t row;
  float weight;
};

// All picks of experts with weights, by expert and then by row.
std::span<const Pick> sorted_picks(Arena& arena, const Routing& routing, std::int64_t rows,
                                   std::int64_t experts) {
  // Counted by expert, then put in their places: the order of rows stays.
  const auto next = arena.take_span<std::int64_t>(experts + 1);
  for (const std::int32_t e : routing.expert) {
    if (e < experts) ++next[e + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  const auto picks = arena.take_span<Pick>(next.back());
  for (std::int64_t i = 0; i < rows * routing.top_k; ++i) {
    const std::int32_t e = routing.expert[i];
    if (e >= experts) continue;
    picks[next[e]++] = {e, static_cast<std::int32_t>(i / routing.top_k), routing.weight[i]};
  }
  return picks;
}

// The end of the picks from `begin` on that are computed together: whole experts, `most` picks or one expert.
std::size_t end_of_batch(std::span<const Pick> picks, std::size_t begin, std::int64_t most) {
  std::size_t end = begin;
  while (end < picks.size()) {
    std::size_t next = end;
    while (next < picks.size() && picks[next].expert == picks[end].expert) ++next;
    if (end > begin && static_cast<std::int64_t>(next - begin) > most) break;
    end = next;
  }
  return end;
}

// Adds columns [begin, end) of the experts' rows `out` to the rows that picked them, in the order of the
// picks.
void add_picks(const Context& ctx, std::span<const Pick> picks, Rows out, Rows y, std::int64_t begin,
               std::int64_t end) {
  for (std::size_t i = 0; i < picks.size(); ++i) {
    ctx.ops.add_scaled(
        {out.row(static_cast<std::int64_t>(i)) + begin, picks[i].weight, y.row(picks[i].row) + begin}, 0,
        end - begin);
  }
}

// Adds the parts of some experts: those of `picks`.
void add_experts(const Context& ctx, std::span<const FeedForwardWeights> experts, std::span<const Pick> picks,
                 const Input& x, std::int64_t hidden, Rows y) {
  const Arena::Scope scope(ctx.arena);
  const Rows out = take_rows(ctx.arena, std::ssize(picks), hidden);
  const auto rows = ctx.arena.take_span<std::int32_t>(std::ssize(picks));
  std::transform(picks.begin(), picks.end(), rows.begin(), [](const Pick& pick) { return pick.row; });
  std::int64_t count = 0;
  for (std::size_t i = 0; i < picks.size(); ++i)
    count += i == 0 || picks[i].expert != picks[i - 1].expert ? 1 : 0;
  const auto products = ctx.arena.take_span<GatedProduct>(count);
  const auto firsts = ctx.arena.take_span<std::size_t>(count);  // pick of each product
  std::size_t at = 0;
  for (std::size_t begin = 0; begin < picks.size();) {
    std::size_t end = begin;
    while (end < picks.size() && picks[end].expert == picks[begin].expert) ++end;
    const FeedForwardWeights& w = experts[picks[begin].expert];
    const auto own = static_cast<std::int64_t>(end - begin);
    // An expert that every row picked needs no gather: the rows are in order already.
    const Forms forms = forms_of(ctx, std::array{&w.gate, &w.up});
    Input in = own == x.rows ? x : take_input(ctx, own, hidden, forms);
    if (!forms.parts) in.parts.reset();  // x may have them for other matrices
    products[at] = {&w.gate, &w.up, &w.down, in, {}, {out.row(static_cast<std::int64_t>(begin)), out.stride}};
    firsts[at++] = begin;
    begin = end;
  }
  for_tiles(ctx, std::ssize(products), std::ssize(picks) * hidden, [&](std::int64_t i, int) {
    const GatedProduct& p = products[i];
    if (p.in.rows != x.rows) gather(ctx, x, rows.subspan(firsts[i], p.in.rows), p.gate->cols, p.in);
  });
  gated_products(ctx, products);
  constexpr std::int64_t kColumns = 256;
  for_tiles(ctx, (hidden + kColumns - 1) / kColumns, std::ssize(picks) * hidden, [&](std::int64_t i, int) {
    add_picks(ctx, picks, out, y, i * kColumns, std::min((i + 1) * kColumns, hidden));
  });
}

}  // namespace

void mix_experts(const Context& ctx, std::span<const FeedForwardWeights> experts, const Routing& routing,
                 const Input& x, std::int64_t hidden, Rows y, std::int64_t picks_at_once) {
  constexpr std::int64_t kRows = 16;
  const auto for_rows = [&](const auto& body) {
    for_tiles(ctx, (x.rows + kRows - 1) / kRows, x.rows * hidden, [&](std::int64_t i, int) {
      for (std::int64_t t = i * kRows; t < std::min((i + 1) * kRows, x.rows); ++t) body(t);
    });
  };
  for_rows([&](std::int64_t t) { std::fill_n(y.row(t), hidden, 0.0F); });
  const auto count = static_cast<std::int64_t>(experts.size());
  const Arena::Scope scope(ctx.arena);
  const std::span<const Pick> picks = sorted_picks(ctx.arena, routing, x.rows, count);
  for (std::size_t begin = 0; begin < picks.size();) {
    const std::size_t end = end_of_batch(picks, begin, picks_at_once);
    add_experts(ctx, experts, picks.subspan(begin, end - begin), x, hidden, y);
    begin = end;
  }
  for_rows([&](std::int64_t t) {
    float identity = 0;
    for (std::int64_t i = 0; i < routing.top_k; ++i) {
      const std::int64_t at = t * routing.top_k + i;
      if (routing.expert[at] >= count) identity += routing.weight[at];
    }
    if (identity != 0) ctx.ops.add_scaled({x.x.row(t), identity, y.row(t)}, 0, hidden);
  });
}

}  // namespace nestor::kernels
