// What can be told about an expression from its form alone.
#pragma once

#include "chat/syntax/ast.h"

namespace nestor::chat {

/// Levels of expressions below a node.
int depth_below(const decltype(Expression::node)& node);

/// Known without any variable: literals, arithmetic and filters over literals.
bool is_constant(const ExpressionPtr& e);

}  // namespace nestor::chat
