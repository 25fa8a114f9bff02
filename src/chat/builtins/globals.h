// Functions every template can call: range, dict, namespace, joiner, cycler, raise_exception, strftime_now.
#pragma once

#include "chat/scope.h"

namespace nestor::chat {

void define_globals(Scope& scope);

}  // namespace nestor::chat
