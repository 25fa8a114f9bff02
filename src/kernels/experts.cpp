#include "kernels/experts.h"

#include <algorithm>
#include <vector>

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

// Adds one expert's part to the rows that picked it.
void add_expert(const Context& ctx, const FeedForwardWeights& w, std::span<const Pick> picks, Rows x,
                std::int64_t hidden, Rows y) {
  const Arena::Scope scope(ctx.arena);
  const auto count = static_cast<std::int64_t>(picks.size());
  const Rows in = take_rows(ctx.arena, count, hidden);
  const Rows out = take_rows(ctx.arena, count, hidden);
  for (std::int64_t i = 0; i < count; ++i) {
    std::copy_n(x.row(picks[static_cast<std::size_t>(i)].row), hidden, in.row(i));
  }
  feed_forward(ctx, w, in, count, out);
  for (std::int64_t i = 0; i < count; ++i) {
    const Pick& pick = picks[static_cast<std::size_t>(i)];
    ctx.ops.add_scaled({out.row(i), pick.weight, y.row(pick.row)}, 0, hidden);
  }
}

}  // namespace

void mix_experts(const Context& ctx, std::span<const FeedForwardWeights> experts, const Routing& routing,
                 Rows x, std::int64_t rows, std::int64_t hidden, Rows y) {
  for (std::int64_t t = 0; t < rows; ++t) std::fill_n(y.row(t), hidden, 0.0F);
  const auto count = static_cast<std::int64_t>(experts.size());
  const std::vector<Pick> picks = sorted_picks(routing, rows, count);
  for (std::size_t begin = 0; begin < picks.size();) {
    std::size_t end = begin;
    while (end < picks.size() && picks[end].expert == picks[begin].expert) ++end;
    add_expert(ctx, experts[static_cast<std::size_t>(picks[begin].expert)],
               std::span(picks).subspan(begin, end - begin), x, hidden, y);
    begin = end;
  }
  for (std::int64_t t = 0; t < rows; ++t) {
    float identity = 0;
    for (std::int64_t i = 0; i < routing.top_k; ++i) {
      const auto at = static_cast<std::size_t>(t * routing.top_k + i);
      if (routing.expert[at] >= count) identity += routing.weight[at];
    }
    if (identity != 0) ctx.ops.add_scaled({x.row(t), identity, y.row(t)}, 0, hidden);
  }
}

}  // namespace nestor::kernels
