#include "serve/api/chat_request.h"

#include <algorithm>

#include "base/excerpt.h"
#include "serve/api/body.h"
#include "serve/api/messages.h"

namespace nestor::serve {
namespace {

std::optional<std::int64_t> read_max_tokens(Body& body) {
  const auto older = body.integer("max_tokens", 1, kMostTokens);
  const auto newer = body.integer("max_completion_tokens", 1, kMostTokens);
  if (older && newer && *older != *newer) body.bad("max_tokens", "contradicts max_completion_tokens");
  return newer ? newer : older;
}

std::optional<std::int64_t> read_logprobs(Body& body) {
  const bool wanted = body.boolean("logprobs").value_or(false);
  const auto top = body.integer("top_logprobs", 0, kMostLogprobs);
  if (top && !wanted) body.bad("top_logprobs", "only with logprobs: true");
  if (!wanted) return std::nullopt;
  return top.value_or(0);
}

ToolChoice named_choice(const Json& given, const Json& tools) {
  Body choice(given, "tool_choice");
  if (choice.text("type").value_or("") != "function") {
    choice.refuse("allowed_tools", "give only the tools that are allowed");
    choice.bad("type", "expected function");
  }
  const Json* described = choice.object("function");
  if (described == nullptr) choice.bad("function", "missing");
  choice.refuse_unknown();
  Body function(*described, choice.path("function"));
  const std::string name = function.text("name").value_or("");
  function.refuse_unknown();
  const bool known = std::any_of(tools.begin(), tools.end(),
                                 [&](const Json& tool) { return tool["function"]["name"] == name; });
  if (!known) function.bad("name", fmt::format("no tool is called {}", in_quotes(name)));
  return {ToolChoice::Kind::named, name};
}

void read_tools(Body& body, ChatRequest& request) {
  if (const Json* tools = body.array("tools")) request.tools = template_tools(*tools);
  request.parallel_tool_calls = body.boolean("parallel_tool_calls").value_or(true);
  const bool any = !request.tools.empty();
  const Json* choice = body.any("tool_choice");
  if (choice == nullptr) {
    request.tool_choice.kind = any ? ToolChoice::Kind::automatic : ToolChoice::Kind::none;
    return;
  }
  if (!any && *choice != "none" && *choice != "auto") body.bad("tool_choice", "there are no tools");
  if (choice->is_object()) {
    request.tool_choice = named_choice(*choice, request.tools);
  } else if (*choice == "none" || !any) {
    request.tool_choice.kind = ToolChoice::Kind::none;
  } else if (*choice == "auto") {
    request.tool_choice.kind = ToolChoice::Kind::automatic;
  } else if (*choice == "required") {
    request.tool_choice.kind = ToolChoice::Kind::required;
  } else {
    body.bad("tool_choice",
             fmt::format("expected none, auto, required or a function, found {}", excerpt(*choice)));
  }
}

// Not what the server itself decides, nor what counts as written by the template (chat/render_request.h).
void read_template_variables(Body& body, ChatRequest& request) {
  if (const Json* given = body.object("chat_template_kwargs")) {
    for (const char* reserved :
         {"messages", "tools", "documents", "add_generation_prompt", "bos_token", "eos_token", "now"}) {
      if (!given->contains(reserved)) continue;
      throw RequestError(
          ErrorKind::unsupported, fmt::format("chat_template_kwargs.{}", reserved),
          fmt::format("chat_template_kwargs.{}: this variable cannot be given here", reserved));
    }
    request.template_variables = *given;
  }
  if (const Json* documents = body.array("documents")) request.template_variables["documents"] = *documents;
}

void refuse_what_is_not_done(Body& body) {
  body.refuse("functions", "use tools");
  body.refuse("function_call", "use tool_choice");
  body.refuse("audio", "answers are text");
  body.only("modalities", Json::array({"text"}), "answers are text");
  body.refuse("prediction", "predicted outputs are not used");
  body.refuse("web_search_options", "there is no web search");
  body.refuse("reasoning_effort", "use chat_template_kwargs, if the model's template has a variable for it");
  body.refuse("verbosity", "not known to the model");
  body.refuse("chat_template", "templates are taken from the checkpoint, not from clients");
  body.only("continue_final_message", false, "use /v1/completions to continue a text");
  body.only("echo", false, "only /v1/completions repeats the prompt");
}

}  // namespace

ChatRequest read_chat_request(const Json& json, const GenerationDefaults& defaults, std::uint64_t seed) {
  Body body(json);
  ChatRequest request;
  request.settings = read_generation_settings(body, defaults, seed);
  request.settings.max_tokens = read_max_tokens(body);
  const Json* messages = body.array("messages");
  if (messages == nullptr || messages->empty()) body.bad("messages", "expected at least one message");
  request.messages = template_messages(*messages);
  read_tools(body, request);
  request.top_logprobs = read_logprobs(body);
  request.format = read_response_format(body);
  request.add_generation_prompt = body.boolean("add_generation_prompt").value_or(true);
  read_template_variables(body, request);
  refuse_what_is_not_done(body);
  body.refuse_unknown();
  const bool forced = request.tool_choice.kind == ToolChoice::Kind::required ||
                      request.tool_choice.kind == ToolChoice::Kind::named;
  if (request.tool_choice.kind == ToolChoice::Kind::automatic &&
      request.format.kind != ResponseFormat::Kind::text) {
    body.bad("response_format", "with it no tool can be called: give no tools, or tool_choice none");
  }
  if (forced && request.format.kind != ResponseFormat::Kind::text) {
    body.bad("response_format", "a required tool call leaves no place for it");
  }
  if (forced || request.format.kind != ResponseFormat::Kind::text) check_constrained(request.settings);
  return request;
}

}  // namespace nestor::serve
