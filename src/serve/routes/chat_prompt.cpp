#include "serve/routes/chat_prompt.h"

#include <algorithm>

#include "serve/api/request_error.h"
#include "serve/routes/prompt_ids.h"

namespace nestor::serve {
namespace {

chat::Rendered render(const ServedModel& model, const Json& input) {
  try {
    return model.chat.render(input, chat::LocalTime::now());
  } catch (const Error& error) {
    throw RequestError(error.kind(), "messages", fmt::format("messages: {}", error.what()));
  }
}

Json without_tool_results(const Json& messages) {
  Json kept = Json::array();
  for (const Json& message : messages) {
    if (message["role"] != "tool") kept.push_back(message);
  }
  return kept;
}

/// What a template writes without this, or cannot write without it.
std::optional<std::string> text_without(const ServedModel& model, const Json& input) {
  try {
    return render(model, input).text;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void refuse_if_left_out(const ServedModel& model, const std::string& text, const Json& without,
                        const char* param, const char* what) {
  if (text_without(model, without) != text) return;
  throw RequestError(ErrorKind::unsupported, param,
                     fmt::format("{}: the chat template of this model has no place for {}", param, what));
}

}  // namespace

ChatPrompt chat_prompt(const Backend& backend, const ChatRequest& request) {
  const ServedModel& model = backend.model;
  Json input = request.template_variables;
  input["messages"] = request.messages;
  input["add_generation_prompt"] = request.add_generation_prompt;
  const bool tools = request.tool_choice.kind != ToolChoice::Kind::none;
  if (tools) input["tools"] = request.tools;
  const chat::Rendered rendered = render(model, input);
  check_bytes(backend, rendered.text, "messages");

  // A required call is written by its grammar; one that may be made has to be known to the model.
  if (request.tool_choice.kind == ToolChoice::Kind::automatic) {
    Json without = input;
    without["tools"] = nullptr;
    refuse_if_left_out(model, rendered.text, without, "tools",
                       "tools; tool_choice required or a function works");
  }
  if (input.contains("documents")) {
    Json without = input;
    without.erase("documents");
    refuse_if_left_out(model, rendered.text, without, "documents", "documents");
  }
  Json kept = without_tool_results(request.messages);
  if (!kept.empty() && kept.size() < request.messages.size()) {
    Json without = input;
    without["messages"] = std::move(kept);
    refuse_if_left_out(model, rendered.text, without, "messages", "messages of role tool");
  }
  const bool thinking =
      request.add_generation_prompt && chat::stripped(rendered.text).ends_with(chat::kThinkOpen);
  return {prompt_ids(backend, rendered.text, tokenizer::PostProcess::omit,
                     tokenizer::ControlTokens::within(rendered.from_template), "messages"),
          thinking ? chat::AnswerParser::Begins::in_reasoning : chat::AnswerParser::Begins::in_content};
}

}  // namespace nestor::serve
