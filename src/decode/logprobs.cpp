#include "decode/logprobs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nestor::decode {

double log_sum_exp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float z : logits) sum += std::exp(z - largest);
  return largest + std::log(sum);
}

std::vector<TokenLogprob> best_logprobs(std::span<const float> logits, double log_sum, std::int64_t n) {
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), TokenId{0});
  const auto end = ids.begin() + std::min<std::ptrdiff_t>(n, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(), [&](TokenId a, TokenId b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  std::vector<TokenLogprob> out;
  for (auto id = ids.begin(); id != end; ++id)
    out.push_back({*id, static_cast<float>(logits[*id] - log_sum)});
  return out;
}

}  // namespace nestor::decode
