// Chooses the next token of one sequence from its logits: the distribution of decode/distribution.h, then one
// draw.
//
// A choice is a pure function of its arguments: neither the batch, nor the other sequences, nor how the
// prompt was chunked, nor what was drafted can change it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "decode/distribution.h"
#include "decode/logprobs.h"
#include "decode/sampling.h"

namespace nestor::decode {

struct Choice {
  TokenId id = 0;
  std::optional<float> logprob;   // of the token, decode/logprobs.h; present where it was asked for
  std::vector<TokenLogprob> top;  // the top_logprobs best, best first
};

/// A token of the model's own distribution after `logits`, with the `top` most likely ones. Throws
/// Error(internal) if the logits are no distribution.
Choice scored(TokenId id, std::span<const float> logits, std::int64_t top);

/// Where a choice stands: beside the seed, what decides its random numbers (decode/distribution.h).
struct Place {
  std::uint64_t sequence = 0;
  std::uint64_t position = 0;
};

/// A token and its probability in the distribution that it was drawn from.
using Drawn = Weighted;

/// Scratch memory only, about 40 bytes per id of the vocabulary. One thread at a time.
class Sampler {
 public:
  /// Throws as validate() and Distribution::of() do.
  Choice choose(std::span<const float> logits, const SamplingParams& params, const Context& context,
                const Place& place);

  /// The token alone that choose() chooses, for parameters that are valid.
  Drawn draw(std::span<const float> logits, const SamplingParams& params, const Context& context,
             const Place& place);

 private:
  Distribution distribution_;
};

}  // namespace nestor::decode
