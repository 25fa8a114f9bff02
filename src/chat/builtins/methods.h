// Methods of texts, dicts, lists and tuples.
#pragma once

#include <optional>
#include <string_view>

#include "chat/runtime.h"

namespace nestor::chat {

/// The method bound to its receiver; nothing where the type has none of this name. Methods that Python has
/// and templates do not use exist, and calling them fails with Error(unsupported).
std::optional<Value> method_of(const Value& receiver, std::string_view name);

/// Methods that would change a list or dict; templates may not even look at them.
bool changes_receiver(const Value& receiver, std::string_view name);

}  // namespace nestor::chat
