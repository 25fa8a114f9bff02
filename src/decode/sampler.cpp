#include "decode/sampler.h"

#include <algorithm>

#include "lm/finite_logits.h"

namespace nestor::decode {

Choice scored(TokenId id, std::span<const float> logits, std::int64_t top) {
  lm::check_finite(logits);
  const double log_sum = log_sum_exp(logits);
  return {.id = id,
          .logprob = static_cast<float>(logits[static_cast<std::size_t>(id)] - log_sum),
          .top = best_logprobs(logits, log_sum, top)};
}

Choice Sampler::choose(std::span<const float> logits, const SamplingParams& params, const Context& context,
                       const Place& place) {
  validate(params, static_cast<std::int64_t>(logits.size()));
  const TokenId id = draw(logits, params, context, place).id;
  if (params.top_logprobs) return scored(id, logits, *params.top_logprobs);
  return {.id = id, .logprob = {}, .top = {}};
}

Drawn Sampler::draw(std::span<const float> logits, const SamplingParams& params, const Context& context,
                    const Place& place) {
  const auto distribution = distribution_.of(logits, params, context);
  const TokenId id = draw_from(distribution, {params.seed, place.sequence, place.position});
  return *std::ranges::lower_bound(distribution, id, {}, &Weighted::id);
}

}  // namespace nestor::decode
