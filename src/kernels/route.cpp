#include "kernels/route.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace nestor::kernels {
namespace {

// Fills one row of the routing from its probabilities [E].
void choose(const RouterWeights& w, const float* probability, std::int64_t row, Routing& out) {
  const std::int64_t experts = w.classifier.rows;
  std::vector<float> wanted(static_cast<std::size_t>(experts));
  for (std::int64_t e = 0; e < experts; ++e) {
    wanted[static_cast<std::size_t>(e)] = probability[e] + w.correction_bias[e];
  }
  std::vector<std::int32_t> order(wanted.size());
  std::iota(order.begin(), order.end(), 0);
  const auto value = [&](std::int32_t e) { return wanted[static_cast<std::size_t>(e)]; };
  const std::int64_t ranked = std::min(w.top_k + 1, experts);
  std::partial_sort(order.begin(), order.begin() + ranked, order.end(), [&](std::int32_t a, std::int32_t b) {
    return value(a) != value(b) ? value(a) > value(b) : a < b;
  });
  for (std::int64_t i = 0; i < w.top_k; ++i) {
    const std::int32_t e = order[static_cast<std::size_t>(i)];
    out.expert[static_cast<std::size_t>(row * w.top_k + i)] = e;
    out.weight[static_cast<std::size_t>(row * w.top_k + i)] = probability[e] * w.scaling_factor;
  }
  if (ranked > w.top_k) {
    out.gap[static_cast<std::size_t>(row)] =
        value(order[static_cast<std::size_t>(w.top_k - 1)]) - value(order[static_cast<std::size_t>(w.top_k)]);
  }
}

}  // namespace

Routing route(const Context& ctx, const RouterWeights& w, Rows x, std::int64_t rows) {
  const Arena::Scope scope(ctx.arena);
  const Rows probability = take_rows(ctx.arena, rows, w.classifier.rows);
  matmul(ctx, x, rows, w.classifier, probability);
  softmax(ctx, probability, rows, w.classifier.rows);

  Routing out;
  out.top_k = w.top_k;
  out.expert.resize(static_cast<std::size_t>(rows * w.top_k));
  out.weight.resize(out.expert.size());
  out.gap.assign(static_cast<std::size_t>(rows), std::numeric_limits<float>::infinity());
  for (std::int64_t t = 0; t < rows; ++t) choose(w, probability.row(t), t, out);
  return out;
}

}  // namespace nestor::kernels
