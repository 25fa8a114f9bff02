// The filter `tojson`: Python's json.dumps as chat templates see it (non-ASCII characters stay as they are).
#pragma once

#include <optional>
#include <string>

#include "chat/builtins/arguments.h"

namespace nestor::chat {

class Runtime;

/// Fails for what JSON cannot hold (undefined values, generators, other objects).
Value tojson(Runtime& runtime, const Value& value, const Arguments& arguments);

}  // namespace nestor::chat
