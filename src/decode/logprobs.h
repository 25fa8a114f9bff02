// Log-probabilities of the model's own distribution: log_softmax of the logits as the model computed them,
// before bias, penalties and temperature (vLLM's default, "raw_logprobs").
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"

namespace nestor::decode {

struct TokenLogprob {
  TokenId id = 0;
  float logprob = 0;  // natural logarithm, <= 0
};

/// log(sum(exp(logits))), in double and relative to the largest logit, which must be finite.
double log_sum_exp(std::span<const float> logits);

/// The n most likely tokens, best first, lower ids first among equals.
std::vector<TokenLogprob> best_logprobs(std::span<const float> logits, double log_sum, std::int64_t n);

}  // namespace nestor::decode
