// Tokens -> syntax tree.
#pragma once

#include <string_view>

#include "chat/syntax/ast.h"

namespace nestor::chat {

/// Parses a template. Fails with Error(bad_input) for wrong syntax and Error(unsupported) for constructs
/// beyond the subset; the message names the line.
Body parse_template(std::string_view source);

}  // namespace nestor::chat
