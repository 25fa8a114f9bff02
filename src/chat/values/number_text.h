// Numbers written as text: Python's int() and float() of a str.
#pragma once

#include <optional>
#include <string_view>

#include "chat/values/value.h"

namespace nestor::chat {

/// Nothing where the text is no integer of that base. `base` 0 takes it from the prefix. Fails beyond 126
/// bits.
std::optional<Int> integer_of_text(std::string_view text, Int base);

/// Nothing where the text is no float.
std::optional<double> float_of_text(std::string_view text);

}  // namespace nestor::chat
