#include "sampling_options.h"

#include <cstdlib>

#include "arguments.h"
#include "base/error.h"

namespace nestor::app {
namespace {

// "17=-2.5"
std::pair<TokenId, float> parse_bias(const std::string& text) {
  char* end = nullptr;
  const long id = std::strtol(text.c_str(), &end, 10);
  if (end == text.c_str() || *end != '=' || id < 0 || id > INT32_MAX) {
    fail(ErrorKind::usage, "--logit-bias: expected ID=X, e.g. 17=-2.5, found {}", in_quotes(text));
  }
  const char* value = end + 1;
  const float bias = std::strtof(value, &end);
  if (end == value || *end != '\0') {
    fail(ErrorKind::usage, "--logit-bias: expected ID=X, e.g. 17=-2.5, found {}", in_quotes(text));
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
  const auto add = [&](const char* name, auto& value, const char* text, const char* what) {
    return parser.add_option(name, value, what)->option_text(text)->group(group);
  };
  add("--temperature", o.temperature, "T", "0 = greedy: always the most likely token");
  add("--top-k", o.top_k, "K", "Only the K most likely tokens; 0 = off");
  add("--top-p", o.top_p, "P", "Only the most likely tokens that together have probability P; 1 = off");
  add("--min-p", o.min_p, "P", "Only tokens with at least P times the best one's probability; 0 = off");
  add("--repetition-penalty", o.repetition_penalty, "R",
      "Above 1: tokens of prompt and answer become less likely; 1 = off");
  add("--presence-penalty", o.presence_penalty, "X", "Taken once from the logit of a token in the answer");
  add("--frequency-penalty", o.frequency_penalty, "X",
      "Taken from the logit of a token for each time it is in the answer");
  add("--logit-bias", o.logit_bias, "ID=X", "Added to the logit of one token (repeatable)")
      ->allow_extra_args(false);
  add("--seed", o.seed, "S", "Same seed, same text (default 0)")->check(whole_number());
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
