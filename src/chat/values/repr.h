// Printed forms of values: Python's str() and repr().
#pragma once

#include <string>
#include <string_view>

#include "chat/values/value.h"

namespace nestor::chat {

class Runtime;

std::string decimal(Int value);
/// Shortest text that reads back as the same float: "1.0", "1e+22", "inf".
std::string float_repr(double value);
/// Quoted as Python does: '...' unless only that quote occurs inside.
std::string quoted_repr(std::string_view text);
std::string repr_of(Runtime& runtime, const Value& value);
/// str(): a text keeps its marks, everything else counts as input.
Text str_of(Runtime& runtime, const Value& value);

}  // namespace nestor::chat
