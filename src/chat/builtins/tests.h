// The tests `value is name(arguments)`.
#pragma once

#include <string_view>

#include "chat/runtime.h"

namespace nestor::chat {

/// Fails with Error(bad_input) for a name that is no test.
bool apply_test(Runtime& runtime, std::string_view name, const Value& input, const Arguments& arguments);
bool is_test(std::string_view name);

}  // namespace nestor::chat
