// The request of /v1/chat/completions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "serve/api/generation_settings.h"
#include "serve/api/response_format.h"

namespace nestor::serve {

struct ToolChoice {
  enum class Kind { none, automatic, required, named };
  Kind kind = Kind::none;
  std::string name;  // of named
};

struct ChatRequest {
  GenerationSettings settings;
  Json messages;               // as templates expect them: contents are texts, arguments are objects
  Json tools = Json::array();  // [{"type": "function", "function": {...}}]
  ToolChoice tool_choice;      // none where there are no tools
  bool parallel_tool_calls = true;
  std::optional<std::int64_t> top_logprobs;  // absent: no log-probabilities
  ResponseFormat format;
  bool add_generation_prompt = true;
  Json template_variables = Json::object();  // chat_template_kwargs, documents
};

/// Throws RequestError.
ChatRequest read_chat_request(const Json& json, const GenerationDefaults& defaults, std::uint64_t seed);

}  // namespace nestor::serve
