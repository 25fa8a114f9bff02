// Bias, penalties and forbidden ids: what happens to the logits before temperature, hence to greedy decoding,
// too. The order is that of vLLM's sampler; z is the logit of token t:
// - bias: z + logit_bias[t]
// - repetition: z / r where z > 0, else z * r, once for every t in prompt or generated (CTRL,
//   arXiv:1909.05858; HF's RepetitionPenaltyLogitsProcessor)
// - frequency: z - f * (occurrences of t in generated); presence: z - p where t occurs in generated (OpenAI's
//   API reference)
// - forbidden, or not allowed by a constraint (decode/constraint.h): -inf
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "decode/sampling.h"

namespace nestor::decode {

/// What a sequence brings to the choice of its next token.
struct Context {
  std::span<const TokenId> prompt = {};
  std::span<const TokenId> generated = {};
  std::span<const TokenId> forbidden = {};      // may not be chosen now
  std::span<const std::uint64_t> allowed = {};  // a bit for each id that may be chosen now; empty: all may
};

/// Writes the adjusted logits. In double, so that no penalty can overflow a float or make two logits equal.
/// Throws Error(internal) if a logit is not finite, Error(bad_input) for an id outside the vocabulary.
void adjust(std::span<const float> logits, const SamplingParams& params, const Context& context,
            std::vector<double>& adjusted);

}  // namespace nestor::decode
