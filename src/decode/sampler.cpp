#include "decode/sampler.h"

#include "base/random.h"

namespace nestor::decode {

Choice Sampler::choose(std::span<const float> logits, const SamplingParams& params, const Context& context,
                       const Draw& draw) {
  validate(params, static_cast<std::int64_t>(logits.size()));
  const auto distribution = distribution_.of(logits, params, context);
  Choice choice;
  choice.id = draw_from(distribution, uniform(params.seed, draw.position, draw.sequence));
  if (params.top_logprobs) {
    const double log_sum = log_sum_exp(logits);
    choice.logprob = static_cast<float>(logits[choice.id] - log_sum);
    choice.top = best_logprobs(logits, log_sum, *params.top_logprobs);
  }
  return choice;
}

}  // namespace nestor::decode
