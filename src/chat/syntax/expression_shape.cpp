#include "chat/syntax/expression_shape.h"

#include <algorithm>

namespace nestor::chat {
namespace {

int depth_of(const ExpressionPtr& e) { return e ? e->depth : 0; }

int depth_of(const CallArguments& arguments) {
  int depth = std::max(depth_of(arguments.list), depth_of(arguments.dict));
  for (const auto& e : arguments.positional) depth = std::max(depth, depth_of(e));
  for (const auto& [name, e] : arguments.named) depth = std::max(depth, depth_of(e));
  return depth;
}

struct DepthBelow {
  int operator()(const Constant&) const { return 0; }
  int operator()(const Name&) const { return 0; }
  int operator()(const Sequence& n) const { return all(n.items); }
  int operator()(const DictLiteral& n) const {
    int depth = 0;
    for (const auto& [key, value] : n.entries) depth = std::max({depth, depth_of(key), depth_of(value)});
    return depth;
  }
  int operator()(const Attribute& n) const { return depth_of(n.object); }
  int operator()(const Item& n) const { return std::max(depth_of(n.object), depth_of(n.key)); }
  int operator()(const Slice& n) const {
    return std::max({depth_of(n.object), depth_of(n.start), depth_of(n.stop), depth_of(n.step)});
  }
  int operator()(const Call& n) const { return std::max(depth_of(n.callee), depth_of(n.arguments)); }
  int operator()(const Filter& n) const { return std::max(depth_of(n.input), depth_of(n.arguments)); }
  int operator()(const Test& n) const { return std::max(depth_of(n.input), depth_of(n.arguments)); }
  int operator()(const Unary& n) const { return depth_of(n.operand); }
  int operator()(const Binary& n) const { return std::max(depth_of(n.left), depth_of(n.right)); }
  int operator()(const Concat& n) const { return all(n.parts); }
  int operator()(const Compare& n) const {
    int depth = depth_of(n.first);
    for (const auto& [op, e] : n.rest) depth = std::max(depth, depth_of(e));
    return depth;
  }
  int operator()(const Logical& n) const { return std::max(depth_of(n.left), depth_of(n.right)); }
  int operator()(const Conditional& n) const {
    return std::max({depth_of(n.condition), depth_of(n.then), depth_of(n.otherwise)});
  }
  static int all(const std::vector<ExpressionPtr>& items) {
    int depth = 0;
    for (const auto& e : items) depth = std::max(depth, depth_of(e));
    return depth;
  }
};

}  // namespace

int depth_below(const decltype(Expression::node)& node) { return std::visit(DepthBelow{}, node); }

bool is_constant(const ExpressionPtr& e) {
  if (const auto* unary = std::get_if<Unary>(&e->node)) return is_constant(unary->operand);
  if (const auto* binary = std::get_if<Binary>(&e->node)) {
    return is_constant(binary->left) && is_constant(binary->right);
  }
  if (const auto* filter = std::get_if<Filter>(&e->node)) {
    const auto& arguments = filter->arguments;
    return is_constant(filter->input) && !arguments.list && !arguments.dict && arguments.named.empty() &&
           std::all_of(arguments.positional.begin(), arguments.positional.end(), is_constant);
  }
  return std::holds_alternative<Constant>(e->node);
}

}  // namespace nestor::chat
