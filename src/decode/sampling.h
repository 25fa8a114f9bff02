// How the next token is chosen: the request parameters of one sequence, under the names and with the ranges
// of the OpenAI API and of vLLM, and their defaults, which leave the model's distribution as it is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/token_id.h"

namespace nestor::decode {

struct SamplingParams {
  double temperature = 1.0;         // >= 0; 0 = greedy: the most likely token, always
  std::int64_t top_k = 0;           // only the k best tokens; 0 or -1 = off
  double top_p = 1.0;               // (0, 1]: the smallest set of best tokens with this mass; 1 = off
  double min_p = 0.0;               // [0, 1]: only tokens with min_p times the best probability; 0 = off
  double repetition_penalty = 1.0;  // > 0, over prompt and generated tokens; 1 = off
  double presence_penalty = 0.0;    // [-2, 2], over generated tokens; 0 = off
  double frequency_penalty = 0.0;   // [-2, 2] per occurrence, over generated tokens; 0 = off
  std::map<TokenId, float> logit_bias = {};  // [-100, 100], added to the logits
  std::uint64_t seed = 0;                    // with sequence and position, all that a draw depends on

  /// Nothing: no log-probabilities. 0: that of the chosen token. n: also those of the n most likely tokens.
  std::optional<std::int64_t> top_logprobs = {};
  /// The same for the tokens of the prompt (vLLM's prompt_logprobs).
  std::optional<std::int64_t> prompt_logprobs = {};
};

/// Throws Error(usage) naming the first parameter that is out of range or an id outside the vocabulary.
void validate(const SamplingParams& params, std::int64_t vocab_size);

}  // namespace nestor::decode
