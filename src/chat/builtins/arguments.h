// Arguments of a call and their binding to a function's parameters, with Python's rules.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/values/value.h"

namespace nestor::chat {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  /// nullptr where there is no argument of this name.
  const Value* find(std::string_view name) const;
};

/// The parameters of one call in the order of their declaration.
class Parameters {
 public:
  /// Binds `arguments`; fails for missing, surplus and unknown ones. The first `required` must be given.
  Parameters(std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> names, std::size_t required = 0);

  bool given(std::size_t i) const { return bound_[i].has_value(); }
  const Value& operator[](std::size_t i) const { return *bound_[i]; }
  Value get(std::size_t i, const Value& otherwise) const;
  bool truth(std::size_t i) const { return given(i) && chat::truth(*bound_[i]); }
  /// Fail where the argument is of another type.
  Int integer(std::size_t i, Int otherwise) const;
  const Text& text(std::size_t i) const;

 private:
  std::string_view function_;
  std::vector<std::string_view> names_;
  std::vector<std::optional<Value>> bound_;
};

}  // namespace nestor::chat
