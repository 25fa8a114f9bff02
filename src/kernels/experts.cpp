#include "kernels/experts.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/gated.h"

namespace nestor::kernels {
namespace {

struct Pick {
  std::int32_t expert;
  std::int32_t row;
  float weight;
};

// All picks of experts with weights, by expert and then by row.
std::vector<Pick> sorted_picks(const Routing& routing, std::int64_t rows, std::int64_t experts) {
  std::vector<Pick> picks;
  for (std::int64_t i = 0; i < rows * routing.top_k; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (routing.expert[at] >= experts) continue;
    picks.push_back({routing.expert[at], static_cast<std::int32_t>(i / routing.top_k), routing.weight[at]});
  }
  std::stable_sort(picks.begin(), picks.end(),
                   [](const Pick& a, const Pick& b) { return a.expert < b.expert; });
  return picks;
}

// Picks whose results are kept at once: a bound on memory, far above what one step of decoding has.
constexpr std::size_t kPicksAtOnce = 2048;

// The end of the picks from `begin` on that are computed together: whole experts.
std::size_t end_of_batch(std::span<const Pick> picks, std::size_t begin) {
  std::size_t end = begin;
  while (end < picks.size()) {
    std::size_t next = end;
    while (next < picks.size() && picks[next].expert == picks[end].expert) ++next;
    if (end > begin && next - begin > kPicksAtOnce) break;
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
  std::vector<std::int32_t> rows;
  for (const Pick& pick : picks) rows.push_back(pick.row);
  std::vector<GatedProduct> products;
  std::vector<std::size_t> firsts;  // pick of each product
  for (std::size_t begin = 0; begin < picks.size();) {
    std::size_t end = begin;
    while (end < picks.size() && picks[end].expert == picks[begin].expert) ++end;
    const FeedForwardWeights& w = experts[static_cast<std::size_t>(picks[begin].expert)];
    const auto count = static_cast<std::int64_t>(end - begin);
    // Of one row there is nothing to gather, and all of them are in order already.
    const Input in = count == x.rows ? x : take_input(ctx, count, std::array{&w.gate, &w.up});
    products.push_back(
        {&w.gate, &w.up, &w.down, in, {}, {out.row(static_cast<std::int64_t>(begin)), out.stride}});
    firsts.push_back(begin);
    begin = end;
  }
  for_tiles(ctx, std::ssize(products), std::ssize(picks) * hidden, [&](std::int64_t i, int) {
    const GatedProduct& p = products[static_cast<std::size_t>(i)];
    const std::size_t first = firsts[static_cast<std::size_t>(i)];
    if (p.in.rows == x.rows) return;
    gather(x, std::span(rows).subspan(first, static_cast<std::size_t>(p.in.rows)), p.gate->cols, p.in);
  });
  gated_products(ctx, products);
  constexpr std::int64_t kColumns = 256;
  for_tiles(ctx, (hidden + kColumns - 1) / kColumns, std::ssize(picks) * hidden, [&](std::int64_t i, int) {
    add_picks(ctx, picks, out, y, i * kColumns, std::min((i + 1) * kColumns, hidden));
  });
}

}  // namespace

void mix_experts(const Context& ctx, std::span<const FeedForwardWeights> experts, const Routing& routing,
                 const Input& x, std::int64_t hidden, Rows y) {
  constexpr std::int64_t kRows = 16;
  const auto for_rows = [&](const auto& body) {
    for_tiles(ctx, (x.rows + kRows - 1) / kRows, x.rows * hidden, [&](std::int64_t i, int) {
      for (std::int64_t t = i * kRows; t < std::min((i + 1) * kRows, x.rows); ++t) body(t);
    });
  };
  for_rows([&](std::int64_t t) { std::fill_n(y.row(t), hidden, 0.0F); });
  const auto count = static_cast<std::int64_t>(experts.size());
  const std::vector<Pick> picks = sorted_picks(routing, x.rows, count);
  for (std::size_t begin = 0; begin < picks.size();) {
    const std::size_t end = end_of_batch(picks, begin);
    add_experts(ctx, experts, std::span(picks).subspan(begin, end - begin), x, hidden, y);
    begin = end;
  }
  for_rows([&](std::int64_t t) {
    float identity = 0;
    for (std::int64_t i = 0; i < routing.top_k; ++i) {
      const auto at = static_cast<std::size_t>(t * routing.top_k + i);
      if (routing.expert[at] >= count) identity += routing.weight[at];
    }
    if (identity != 0) ctx.ops.add_scaled({x.x.row(t), identity, y.row(t)}, 0, hidden);
  });
}

}  // namespace nestor::kernels
