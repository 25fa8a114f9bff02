#include "chat/builtins/arguments.h"

#include <algorithm>

namespace nestor::chat {

const Value* Arguments::find(std::string_view name) const {
  const auto it =
      std::find_if(named.begin(), named.end(), [&](const auto& entry) { return entry.first == name; });
  return it == named.end() ? nullptr : &it->second;
}

Parameters::Parameters(std::string_view function, const Arguments& arguments,
                       std::initializer_list<std::string_view> names, std::size_t required)
    : function_(function), names_(names), bound_(names.size()) {
  if (arguments.positional.size() > names_.size()) {
    fail(ErrorKind::bad_input, "{}() takes at most {} arguments, {} were given", function_, names_.size(),
         arguments.positional.size());
  }
  std::copy(arguments.positional.begin(), arguments.positional.end(), bound_.begin());
  for (const auto& [name, value] : arguments.named) {
    const auto it = std::find(names_.begin(), names_.end(), name);
    if (it == names_.end()) {
      fail(ErrorKind::bad_input, "{}() got an unexpected keyword argument {}", function_, in_quotes(name));
    }
    auto& slot = bound_[static_cast<std::size_t>(it - names_.begin())];
    if (slot) fail(ErrorKind::bad_input, "{}() got two values for the argument '{}'", function_, *it);
    slot = value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!bound_[i])
      fail(ErrorKind::bad_input, "{}() misses the required argument '{}'", function_, names_[i]);
  }
}

Value Parameters::get(std::size_t i, const Value& otherwise) const {
  return given(i) ? *bound_[i] : otherwise;
}

Int Parameters::integer(std::size_t i, Int otherwise) const {
  if (!given(i)) return otherwise;
  bound_[i]->require_defined();
  const auto value = bound_[i]->integer();
  if (!value) {
    fail(ErrorKind::bad_input, "{}(): the argument '{}' must be an integer, not {}", function_, names_[i],
         bound_[i]->type_name());
  }
  return *value;
}

const Text& Parameters::text(std::size_t i) const {
  bound_[i]->require_defined();
  if (!bound_[i]->text()) {
    fail(ErrorKind::bad_input, "{}(): the argument '{}' must be str, not {}", function_, names_[i],
         bound_[i]->type_name());
  }
  return *bound_[i]->text();
}

}  // namespace nestor::chat
