#include "chat/tool_set.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace nestor::chat {
namespace {

const Json& function_of(const Json& tool, std::size_t index) {
  if (!tool.is_object())
    fail(ErrorKind::bad_input, "tools[{}]: expected an object, found {}", index, kind_of(tool));
  if (const auto type = tool.find("type"); type != tool.end() && *type != "function") {
    fail(ErrorKind::unsupported, "tools[{}].type: only \"function\" is supported", index);
  }
  const auto function = tool.find("function");
  if (function == tool.end() || !function->is_object()) {
    fail(ErrorKind::bad_input, "tools[{}].function: expected an object", index);
  }
  return *function;
}

std::vector<std::string> text_parameters_of(const Json& function, std::size_t index) {
  std::vector<std::string> names;
  const auto parameters = function.find("parameters");
  if (parameters == function.end() || parameters->is_null()) return names;
  if (!parameters->is_object()) {
    fail(ErrorKind::bad_input, "tools[{}].function.parameters: expected an object, found {}", index,
         kind_of(*parameters));
  }
  const auto properties = parameters->find("properties");
  if (properties == parameters->end() || !properties->is_object()) return names;
  for (const auto& [name, schema] : properties->items()) {
    if (!schema.is_object()) continue;
    if (const auto type = schema.find("type"); type != schema.end() && *type == "string")
      names.push_back(name);
  }
  return names;
}

}  // namespace

ToolSet::ToolSet(const Json& tools) {
  if (tools.is_null()) return;
  if (!tools.is_array()) fail(ErrorKind::bad_input, "tools: expected a list, found {}", kind_of(tools));
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const Json& function = function_of(tools[i], i);
    const auto name = function.find("name");
    if (name == function.end() || !name->is_string() || name->get_ref<const std::string&>().empty()) {
      fail(ErrorKind::bad_input, "tools[{}].function.name: expected a text that is not empty", i);
    }
    const auto& text = name->get_ref<const std::string&>();
    if (!text_parameters_.emplace(text, text_parameters_of(function, i)).second) {
      fail(ErrorKind::bad_input, "tools[{}].function.name: {} is declared twice", i, in_quotes(text));
    }
  }
}

bool ToolSet::is_text(std::string_view tool, std::string_view parameter) const {
  const auto found = text_parameters_.find(tool);
  return found != text_parameters_.end() &&
         std::find(found->second.begin(), found->second.end(), parameter) != found->second.end();
}

}  // namespace nestor::chat
