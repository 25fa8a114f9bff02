// The tools that a request declares, as far as reading calls of them needs it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"

namespace nestor::chat {

/// Const and thread-safe.
class ToolSet {
 public:
  ToolSet() = default;
  /// The `tools` of an OpenAI request: [{"type": "function", "function": {"name", "parameters"...}}...]; null
  /// holds none. Throws Error(bad_input) if it is no such list, Error(unsupported) for a type other than
  /// function.
  explicit ToolSet(const Json& tools);

  bool empty() const { return text_parameters_.empty(); }
  bool declares(std::string_view name) const { return text_parameters_.find(name) != text_parameters_.end(); }
  /// Whether the schema of that parameter says {"type": "string"}: then its value is text as it stands.
  bool is_text(std::string_view tool, std::string_view parameter) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> text_parameters_;  // by tool
};

}  // namespace nestor::chat
