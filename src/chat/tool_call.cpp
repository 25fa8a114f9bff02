#include "chat/tool_call.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "chat/python_literal.h"

namespace nestor::chat {
namespace {

std::optional<Json> json_of(std::string_view text) {
  try {
    return parse_json(text, "tool call");
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<std::string> declared_name(std::string_view name, const ToolSet& tools) {
  constexpr std::string_view kPrefix = "functions.";
  if (tools.declares(name)) return std::string(name);
  if (name.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  return tools.declares(name) ? std::optional(std::string(name)) : std::nullopt;
}

std::optional<ToolCall> parse_json_form(std::string_view body, const ToolSet& tools) {
  const std::optional<Json> call = json_of(body);
  if (!call || !call->is_object()) return std::nullopt;
  const auto name = call->find("name");
  if (name == call->end() || !name->is_string()) return std::nullopt;
  const auto known = declared_name(stripped(name->get_ref<const std::string&>()), tools);
  if (!known) return std::nullopt;
  Json arguments = Json::object();
  if (const auto given = call->find("arguments"); given != call->end() && !given->is_null()) {
    arguments = *given;
    // Some models write the object as a text.
    if (arguments.is_string()) arguments = json_of(arguments.get<std::string>()).value_or(Json());
  }
  if (!arguments.is_object()) return std::nullopt;
  return ToolCall{*known, to_text(arguments)};
}

Json value_of(std::string_view text, std::string_view tool, std::string_view key, const ToolSet& tools) {
  if (!tools.is_text(tool, key)) {
    if (auto value = json_of(text)) return *std::move(value);
    if (auto value = parse_python_literal(text)) return *std::move(value);
  }
  return std::string(text);
}

// Reads the pairs after the name.
class Pairs {
 public:
  explicit Pairs(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  std::optional<std::string_view> element(std::string_view open, std::string_view close) {
    skip_blanks();
    if (rest_.substr(0, open.size()) != open) return std::nullopt;
    rest_.remove_prefix(open.size());
    const std::size_t end = rest_.find(close);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view content = rest_.substr(0, end);
    rest_.remove_prefix(end + close.size());
    return stripped(content);
  }

 private:
  void skip_blanks() {
    while (true) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
      if (rest_.substr(0, 2) != "\\n") return;
      rest_.remove_prefix(2);
    }
  }

  std::string_view rest_;
};

}  // namespace

std::string_view stripped(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<ToolCall> parse_tool_call(std::string_view body, const ToolSet& tools) {
  body = stripped(body);
  if (!body.empty() && body.front() == '{') return parse_json_form(body, tools);
  const std::size_t name_end = std::min({body.find('\n'), body.find(kKeyOpen), body.size()});
  const auto name = declared_name(stripped(body.substr(0, name_end)), tools);
  if (!name) return std::nullopt;
  Json arguments = Json::object();
  for (Pairs pairs(body.substr(name_end)); !pairs.at_end();) {
    const auto key = pairs.element(kKeyOpen, kKeyClose);
    if (!key || key->empty()) return std::nullopt;
    const auto value = pairs.element(kValueOpen, kValueClose);
    if (!value) return std::nullopt;
    arguments[std::string(*key)] = value_of(*value, *name, *key, tools);
  }
  return ToolCall{*name, to_text(arguments)};
}

}  // namespace nestor::chat
