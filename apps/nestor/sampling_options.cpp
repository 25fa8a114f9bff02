#include "sampling_options.h"

#include <cstdlib>

#include "base/error.h"

namespace nestor::app {
namespace {

// "17=-2.5"
std::pair<TokenId, float> parse_bias(const std::string& text) {
  char* end = nullptr;
  const long id = std::strtol(text.c_str(), &end, 10);
  if (end == text.c_str() || *end != '=' || id < 0 || id > INT32_MAX) {
    fail(ErrorKind::usage, "--logit-bias: expected ID=VALUE, found {}", in_quotes(text));
  }
  const char* value = end + 1;
  const float bias = std::strtof(value, &end);
  if (end == value || *end != '\0') {
    fail(ErrorKind::usage, "--logit-bias: expected ID=VALUE, found {}", in_quotes(text));
  }
  return {static_cast<TokenId>(id), bias};
}

template <typename T, typename U>
void take(const std::optional<T>& given, U& value) {
  if (given) value = *given;
}

}  // namespace

void add_sampling_options(CLI::App& parser, SamplingOptions& o) {
  const std::string group = "Sampling (defaults: generation_config.json of the model, else greedy)";
  parser.add_option("--temperature", o.temperature, "0 = greedy: always the most likely token")->group(group);
  parser.add_option("--top-k", o.top_k, "Only the K most likely tokens; 0 = off")->group(group);
  parser.add_option("--top-p", o.top_p, "Only the most likely tokens with this probability in sum")
      ->group(group);
  parser.add_option("--min-p", o.min_p, "Only tokens with this share of the best one's probability")
      ->group(group);
  parser
      .add_option("--repetition-penalty", o.repetition_penalty,
                  "Above 1: tokens seen before become less likely")
      ->group(group);
  parser.add_option("--presence-penalty", o.presence_penalty, "Subtracted once from generated tokens")
      ->group(group);
  parser
      .add_option("--frequency-penalty", o.frequency_penalty,
                  "Subtracted per occurrence from generated tokens")
      ->group(group);
  parser.add_option("--logit-bias", o.logit_bias, "Added to the logit of one token (repeatable)")
      ->group(group)
      ->option_text("ID=VALUE")
      ->expected(1);
  parser.add_option("--seed", o.seed, "Same seed, same text (default 0)")->group(group);
}

decode::SamplingParams resolve_sampling(const SamplingOptions& o,
                                        const assemble::GenerationDefaults& defaults) {
  decode::SamplingParams params = defaults.sampling;
  take(o.temperature, params.temperature);
  take(o.top_k, params.top_k);
  take(o.top_p, params.top_p);
  take(o.min_p, params.min_p);
  take(o.repetition_penalty, params.repetition_penalty);
  take(o.presence_penalty, params.presence_penalty);
  take(o.frequency_penalty, params.frequency_penalty);
  for (const std::string& text : o.logit_bias) params.logit_bias.insert(parse_bias(text));
  params.seed = o.seed;
  return params;
}

}  // namespace nestor::app
