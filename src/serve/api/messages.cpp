#include "serve/api/messages.h"

#include <set>

#include "base/excerpt.h"
#include "base/json_budget.h"
#include "serve/api/body.h"

namespace nestor::serve {
namespace {

constexpr std::size_t kMostTools = 128;
constexpr std::size_t kMostNameBytes = 64;

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= kMostNameBytes && std::all_of(text.begin(), text.end(), fits);
}

std::string read_parts(const Json& parts, const std::string& place) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Body part(parts[i], fmt::format("{}[{}]", place, i));
    const std::string type = part.text("type").value_or("");
    if (type != "text" && type != "refusal") {
      throw RequestError(
          ErrorKind::unsupported, part.path("type"),
          fmt::format("{}: only parts of type text are taken, not {}", part.path("type"), in_quotes(type)));
    }
    const auto piece = part.text(type);
    if (!piece) part.bad(type, "missing");
    text += *piece;
    part.refuse_unknown();
  }
  return text;
}

/// The text of a message, or nothing where there is none.
std::optional<std::string> read_content(Body& message) {
  const Json* content = message.any("content");
  if (content == nullptr) return std::nullopt;
  if (content->is_string()) return content->get<std::string>();
  if (content->is_array()) return read_parts(*content, message.path("content"));
  message.bad("content", fmt::format("expected a string or an array of parts, found {}", excerpt(*content)));
}

Json read_call(const Json& given, const std::string& place, JsonBudget& budget) {
  Body call(given, place);
  const auto id = call.text("id");
  if (call.text("type").value_or("function") != "function") call.bad("type", "expected function");
  const Json* named = call.object("function");
  if (named == nullptr) call.bad("function", "missing");
  call.pass_over({"index"});
  call.refuse_unknown();
  Body function(*named, call.path("function"));
  const auto name = function.text("name");
  if (!name) function.bad("name", "missing");
  Json arguments = Json::object();
  if (const Json* given_arguments = function.any("arguments")) {
    arguments = *given_arguments;
    if (arguments.is_string()) {
      const auto text = arguments.get<std::string>();
      try {
        arguments = text.empty() ? Json::object() : parse_json(text, function.path("arguments"), budget);
      } catch (const Error& error) {
        throw RequestError(error.kind(), function.path("arguments"), error.what());
      }
    }
    if (!arguments.is_object()) function.bad("arguments", "expected a JSON object, as text");
  }
  function.refuse_unknown();
  Json read = {{"type", "function"}, {"function", {{"name", *name}, {"arguments", std::move(arguments)}}}};
  if (id) read["id"] = *id;
  return read;
}

Json read_message(const Json& given, const std::string& place, JsonBudget& budget) {
  Body message(given, place);
  std::string role = message.text("role").value_or("");
  if (role == "developer") role = "system";
  if (role != "system" && role != "user" && role != "assistant" && role != "tool") {
    message.bad("role", fmt::format("expected system, developer, user, assistant or tool, found {}",
                                    in_quotes(role)));
  }
  Json read = {{"role", role}};
  const auto content = read_content(message);
  const Json* calls = message.array("tool_calls");
  if (!content && !(role == "assistant")) message.bad("content", "missing");
  read["content"] = content.value_or("");
  if (const auto name = message.text("name")) read["name"] = *name;
  if (role == "assistant") {
    if (const auto reasoning = message.text("reasoning_content")) read["reasoning_content"] = *reasoning;
    if (calls != nullptr && !calls->empty()) {
      read["tool_calls"] = Json::array();
      for (std::size_t i = 0; i < calls->size(); ++i) {
        read["tool_calls"].push_back(
            read_call((*calls)[i], fmt::format("{}[{}]", message.path("tool_calls"), i), budget));
      }
    }
    // Parts of an answer that clients send back as they got it.
    message.only("refusal", "", "refusals are not taken");
    message.only("annotations", Json::array(), "annotations are not taken");
  } else if (calls != nullptr) {
    message.bad("tool_calls", "only messages of the assistant have them");
  }
  message.only("type", "text", "messages are text");  // lm-evaluation-harness says so of every message
  if (role == "tool") {
    if (const auto id = message.text("tool_call_id")) read["tool_call_id"] = *id;
  }
  message.refuse_unknown();
  return read;
}

}  // namespace

Json template_messages(const Json& messages) {
  Json read = Json::array();
  JsonBudget budget{kMostJsonValues};  // of all arguments together
  for (std::size_t i = 0; i < messages.size(); ++i) {
    read.push_back(read_message(messages[i], fmt::format("messages[{}]", i), budget));
  }
  return read;
}

Json template_tools(const Json& tools) {
  if (tools.size() > kMostTools) {
    throw RequestError(ErrorKind::limit, "tools",
                       fmt::format("at most {} tools, found {}", kMostTools, tools.size()));
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    Body tool(tools[i], fmt::format("tools[{}]", i));
    if (tool.text("type").value_or("") != "function") tool.bad("type", "expected function");
    const Json* described = tool.object("function");
    if (described == nullptr) tool.bad("function", "missing");
    tool.refuse_unknown();
    Body function(*described, tool.path("function"));
    const std::string name = function.text("name").value_or("");
    if (!is_name(name)) function.bad("name", "expected 1 to 64 letters, digits, _, - and .");
    if (!names.insert(name).second) function.bad("name", fmt::format("{} occurs twice", in_quotes(name)));
    function.text("description");
    function.object("parameters");
    function.boolean("strict");
    function.refuse_unknown();
  }
  return tools;
}

}  // namespace nestor::serve
