// JSON Schema by its definition: whether a document satisfies a schema, for what the grammar supports.
#pragma once

#include "base/json.h"

namespace nestor::grammar::testing {

/// `root` is where references lead.
bool satisfies(const Json& value, const Json& schema, const Json& root);

}  // namespace nestor::grammar::testing
