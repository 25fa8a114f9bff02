#include "decode/distribution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace nestor::decode {
namespace {

bool better(const Weighted& a, const Weighted& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

double sum(std::span<const Weighted> list) {
  double total = 0;
  for (const Weighted& w : list) total += w.weight;
  return total;
}

}  // namespace

std::span<const Weighted> Distribution::of(std::span<const float> logits, const SamplingParams& params,
                                           const Context& context) {
  adjust(logits, params, context, adjusted_);
  const auto best = std::max_element(adjusted_.begin(), adjusted_.end());  // the first of equals
  if (best == adjusted_.end() || std::isinf(*best)) {
    fail(logits.empty() ? ErrorKind::internal : ErrorKind::usage,
         "no token is left to choose: all {} logits are -inf after {} forbidden ids{}", logits.size(),
         context.forbidden.size(), context.allowed.empty() ? "" : " and what the constraint does not allow");
  }
  kept_.clear();
  if (params.temperature == 0) {
    kept_.push_back({static_cast<TokenId>(best - adjusted_.begin()), 1.0});
    return kept_;
  }

  // The weights are logits relative to the best one first: then nothing can overflow, however small the
  // temperature, and the best weight below is exactly 1.
  for (std::size_t i = 0; i < adjusted_.size(); ++i) {
    kept_.push_back({static_cast<TokenId>(i), adjusted_[i] - *best});
  }
  if (params.top_k > 0) keep_top_k(params.top_k);
  for (Weighted& w : kept_) w.weight = std::exp(w.weight / params.temperature);
  if (params.top_p < 1) keep_top_p(params.top_p);
  std::erase_if(kept_, [&](const Weighted& w) { return w.weight < params.min_p || w.weight == 0; });
  const double total = sum(kept_);
  for (Weighted& w : kept_) w.weight /= total;
  return kept_;
}

void Distribution::keep_top_k(std::int64_t k) {
  if (k >= static_cast<std::int64_t>(kept_.size())) return;
  order_ = kept_;
  std::nth_element(order_.begin(), order_.begin() + k - 1, order_.end(), better);
  keep_up_to(order_[static_cast<std::size_t>(k - 1)]);
}

void Distribution::keep_top_p(double top_p) {
  const double total = sum(kept_);
  const double wanted = top_p * total;
  // Below this, all tokens together have at most half of the mass that top_p leaves out: none can be wanted.
  const double negligible = 0.5 * (1 - top_p) * total / static_cast<double>(kept_.size());
  order_.clear();
  order_.reserve(kept_.size());
  std::ranges::copy_if(kept_, std::back_inserter(order_),
                       [&](const Weighted& w) { return w.weight >= negligible; });
  double mass = 0;
  // Usually a few tokens have the mass: sort the best ones only, in blocks that grow.
  for (auto next = order_.begin(); next != order_.end();) {
    const auto block =
        std::min(std::max<std::ptrdiff_t>(64, 3 * (next - order_.begin())), order_.end() - next);
    const auto block_end = next + block;
    if (block_end != order_.end()) std::nth_element(next, block_end, order_.end(), better);
    std::sort(next, block_end, better);
    for (; next != block_end; ++next) {
      mass += next->weight;
      if (mass >= wanted) return keep_up_to(*next);
    }
  }
}

void Distribution::keep_up_to(const Weighted& last) {
  std::erase_if(kept_, [&](const Weighted& w) { return better(last, w); });
}

// The same argmax without logarithms for most tokens: log p - log(-log u) is largest where -log(u) / p is
// smallest, and -log u is at least 1 - u.
TokenId draw_from(std::span<const Weighted> distribution, const Draw& draw) {
  TokenId drawn = distribution.front().id;
  double smallest = std::numeric_limits<double>::infinity();
  std::array<double, 2> pair{};
  std::uint64_t pair_at = ~std::uint64_t{0};
  for (const auto& [id, weight] : distribution) {
    const auto token = static_cast<std::uint64_t>(id);
    if (token / 2 != pair_at) {
      pair_at = token / 2;
      pair = open_uniform_pair(draw.seed, draw.position << 32 | pair_at, draw.sequence);
    }
    const double u = pair[token % 2];
    if (1 - u >= smallest * weight) continue;
    const double found = -std::log(u) / weight;
    if (found >= smallest) continue;
    smallest = found;
    drawn = id;
  }
  return drawn;
}

}  // namespace nestor::decode
