// The request of /v1/completions.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "serve/api/generation_settings.h"
#include "serve/api/response_format.h"

namespace nestor::serve {

using CompletionPrompt = std::variant<std::string, std::vector<TokenId>>;

struct CompletionRequest {
  GenerationSettings settings;
  std::vector<CompletionPrompt> prompts;
  bool echo = false;
  std::optional<std::int64_t> logprobs;  // the most likely tokens of each place
  bool add_special_tokens = true;        // what the tokenizer's post-processor adds
  bool control_tokens = false;           // control tokens written in a prompt are tokens, not text
  ResponseFormat format;
};

/// A prompt is a string, an array of strings, an array of token ids, or an array of such arrays. Throws
/// RequestError.
CompletionRequest read_completion_request(const Json& json, const GenerationDefaults& defaults,
                                          std::uint64_t seed);

}  // namespace nestor::serve
