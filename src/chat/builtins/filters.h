// The filters `value | name(arguments)`.
#pragma once

#include <string_view>

#include "chat/runtime.h"

namespace nestor::chat {

using FilterBody = Value (*)(Runtime&, const Value& input, const Arguments&);

struct NamedFilter {
  std::string_view name;
  FilterBody body;
};

/// Fails with Error(bad_input) for a name that is no filter, and with Error(unsupported) for one beyond the
/// subset.
Value apply_filter(Runtime& runtime, std::string_view name, const Value& input, const Arguments& arguments);

/// Whether a filter of this name exists, supported or not.
bool is_filter(std::string_view name);

}  // namespace nestor::chat
