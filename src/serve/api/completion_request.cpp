#include "serve/api/completion_request.h"

#include "base/excerpt.h"
#include "serve/api/body.h"

namespace nestor::serve {
namespace {

constexpr std::int64_t kDefaultTokens = 16;  // OpenAI's

std::vector<CompletionPrompt> read_prompts(Body& body) {
  const Json* given = body.any("prompt");
  if (given == nullptr) body.bad("prompt", "missing; expected text or token ids");
  // Moved into the list: where there is no memory for a copy, libstdc++ 12 destroys the variant all the same.
  std::vector<CompletionPrompt> prompts;
  if (given->is_string()) {
    prompts.emplace_back(given->get<std::string>());
    return prompts;
  }
  if (!given->is_array() || given->empty()) {
    body.bad(
        "prompt",
        fmt::format("expected a string, an array of strings, of token ids, or of arrays of these, found {}",
                    excerpt(*given)));
  }
  if (given->front().is_number()) {
    prompts.emplace_back(token_ids(*given, "prompt"));
    return prompts;
  }
  for (const Json& one : *given) {
    const std::string place = fmt::format("prompt[{}]", prompts.size());
    if (one.is_string()) {
      prompts.emplace_back(one.get<std::string>());
    } else if (one.is_array()) {
      prompts.emplace_back(token_ids(one, place));
    } else {
      throw RequestError(
          ErrorKind::bad_input, place,
          fmt::format("{}: expected a string or an array of token ids, found {}", place, excerpt(one)));
    }
  }
  return prompts;
}

}  // namespace

CompletionRequest read_completion_request(const Json& json, const GenerationDefaults& defaults,
                                          std::uint64_t seed) {
  Body body(json);
  CompletionRequest request;
  request.settings = read_generation_settings(body, defaults, seed);
  request.settings.max_tokens = body.integer("max_tokens", 0, kMostTokens).value_or(kDefaultTokens);
  request.prompts = read_prompts(body);
  request.echo = body.boolean("echo").value_or(false);
  request.logprobs = body.integer("logprobs", 0, kMostLogprobs);
  request.add_special_tokens = body.boolean("add_special_tokens").value_or(true);
  request.control_tokens = body.boolean("control_tokens").value_or(false);
  request.format = read_response_format(body);
  if (request.format.kind != ResponseFormat::Kind::text) check_constrained(request.settings);
  body.refuse("suffix", "this model only continues a text; it cannot fill in before a suffix");
  body.only("best_of", request.settings.n, "only best_of = n: no answers are made to be thrown away");
  const auto choices = request.settings.n * static_cast<std::int64_t>(request.prompts.size());
  if (choices > defaults.most_choices) {
    body.bad("n", fmt::format("{} prompts with n = {} make {} answers, but one request gets at most {}",
                              request.prompts.size(), request.settings.n, choices, defaults.most_choices));
  }
  body.refuse_unknown();
  return request;
}

}  // namespace nestor::serve
