#include "decode/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

namespace nestor::decode {

double log_sum_exp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float z : logits) sum += std::exp(z - largest);
  return largest + std::log(sum);
}

std::vector<TokenLogprob> best_logprobs(std::span<const float> logits, double log_sum, std::int64_t n) {
  std::vector<TokenId> best(std::min(static_cast<std::size_t>(n), logits.size()));
  const auto better = [&](TokenId a, TokenId b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  std::ranges::partial_sort_copy(std::views::iota(TokenId{0}, static_cast<TokenId>(logits.size())), best,
                                 better);
  std::vector<TokenLogprob> out;
  for (const TokenId id : best) {
    if (std::isinf(logits[id])) break;
    out.push_back({id, static_cast<float>(logits[id] - log_sum)});
  }
  return out;
}

}  // namespace nestor::decode
