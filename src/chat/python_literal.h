// Python literals as JSON values: what models write when they mean JSON.
#pragma once

#include <optional>
#include <string_view>

#include "base/json_fwd.h"

namespace nestor::chat {

/// True, False, None, numbers, texts in either quotes, and lists, tuples and dicts (with texts as keys) of
/// these, at most 64 levels deep. Nothing for all else, numbers beyond 64 bits and floats beyond the range
/// included.
std::optional<Json> parse_python_literal(std::string_view text);

}  // namespace nestor::chat
