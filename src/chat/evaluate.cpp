// The expressions of the interpreter.
#include "chat/builtins/filters.h"
#include "chat/builtins/tests.h"
#include "chat/interpreter.h"
#include "chat/values/operators.h"
#include "chat/values/repr.h"

namespace nestor::chat {

Value Interpreter::evaluate(const Expression& expression) {
  const Runtime::Depth depth(runtime_);
  runtime_.step();
  runtime_.line = expression.line;
  return std::visit([&](const auto& node) { return value_of(node); }, expression.node);
}

Value Interpreter::value_of(const Constant& node) { return node.value; }

Value Interpreter::value_of(const Name& node) {
  const Value* value = scope_->find(node.name);
  return value ? *value : Value::undefined("'{}' is undefined", node.name);
}

std::vector<Value> Interpreter::values_of(const std::vector<ExpressionPtr>& expressions) {
  std::vector<Value> values;
  values.reserve(expressions.size());
  for (const ExpressionPtr& e : expressions) values.push_back(evaluate(*e));
  return values;
}

Value Interpreter::value_of(const Sequence& node) {
  std::vector<Value> items = values_of(node.items);
  if (node.kind == Sequence::Kind::list) return runtime_.list(std::move(items));
  return Tuple(std::move(items));
}

Value Interpreter::value_of(const DictLiteral& node) {
  Dict dict;
  for (const auto& [key, value] : node.entries) {
    Value k = evaluate(*key);
    dict.set(std::move(k), evaluate(*value));
  }
  return dict;
}

Value Interpreter::value_of(const Attribute& node) {
  return attribute(runtime_, evaluate(*node.object), node.name);
}

Value Interpreter::value_of(const Item& node) {
  const Value object = evaluate(*node.object);
  return item(runtime_, object, evaluate(*node.key));
}

Value Interpreter::value_of(const Slice& node) {
  const Value object = evaluate(*node.object);
  const auto bound = [&](const ExpressionPtr& e) { return e ? evaluate(*e) : Value(None{}); };
  const Value start = bound(node.start);
  const Value stop = bound(node.stop);
  return slice(runtime_, object, start, stop, bound(node.step));
}

Arguments Interpreter::arguments_of(const CallArguments& node) {
  Arguments out;
  out.positional = values_of(node.positional);
  for (const auto& [name, value] : node.named) out.named.emplace_back(name, evaluate(*value));
  if (node.list) {
    for (Value& value : elements(runtime_, evaluate(*node.list))) out.positional.push_back(std::move(value));
  }
  if (node.dict) {
    const Value more = evaluate(*node.dict);
    if (!more.dict())
      fail(ErrorKind::bad_input, "argument after ** must be a mapping, not {}", more.type_name());
    for (const auto& [key, value] : more.dict()->entries()) {
      if (!key.text()) fail(ErrorKind::bad_input, "keywords must be strings");
      if (out.find(key.text()->bytes())) {
        fail(ErrorKind::bad_input, "got multiple values for keyword argument {}",
             in_quotes(key.text()->bytes()));
      }
      out.named.emplace_back(key.text()->bytes(), value);
    }
  }
  return out;
}

Value Interpreter::call(const Call& node, const Value* caller) {
  const Value callee = evaluate(*node.callee);
  Arguments arguments = arguments_of(node.arguments);
  if (caller) {
    if (arguments.find("caller"))
      fail(ErrorKind::bad_input, "got multiple values for keyword argument 'caller'");
    arguments.named.emplace_back("caller", *caller);
  }
  callee.require_defined();
  if (!callee.object()) fail(ErrorKind::bad_input, "'{}' object is not callable", callee.type_name());
  return callee.object()->call(runtime_, arguments);
}

Value Interpreter::value_of(const Call& node) { return call(node, nullptr); }

Value Interpreter::value_of(const Filter& node) {
  Value input;
  if (node.input) {
    input = evaluate(*node.input);
  } else {
    input = *block_text_;
  }
  return apply_filter(runtime_, node.name, input, arguments_of(node.arguments));
}

Value Interpreter::filter_text(const Expression* filters, Text text) {
  Value input(std::move(text));
  if (!filters) return input;
  const Value* outside = std::exchange(block_text_, &input);
  Value result = evaluate(*filters);
  block_text_ = outside;
  return result;
}

Value Interpreter::value_of(const Test& node) {
  const Value input = evaluate(*node.input);
  return apply_test(runtime_, node.name, input, arguments_of(node.arguments));
}

Value Interpreter::value_of(const Unary& node) {
  const Value operand = evaluate(*node.operand);
  if (node.op == Unary::Op::logical_not) return !truth(operand);
  return node.op == Unary::Op::negate ? negated(operand) : unchanged(operand);
}

Value Interpreter::value_of(const Binary& node) {
  const Value left = evaluate(*node.left);
  return binary(runtime_, node.op, left, evaluate(*node.right));
}

Value Interpreter::value_of(const Concat& node) {
  Text text;
  for (const ExpressionPtr& part : node.parts) runtime_.append(text, str_of(runtime_, evaluate(*part)));
  return text;
}

Value Interpreter::value_of(const Compare& node) {
  Value left = evaluate(*node.first);
  for (const auto& [op, right_expression] : node.rest) {
    Value right = evaluate(*right_expression);
    if (!compare(runtime_, op, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::value_of(const Logical& node) {
  Value left = evaluate(*node.left);
  const bool decided = truth(left) == (node.op == Logical::Op::either);
  return decided ? left : evaluate(*node.right);
}

Value Interpreter::value_of(const Conditional& node) {
  if (truth(evaluate(*node.condition))) return evaluate(*node.then);
  if (node.otherwise) return evaluate(*node.otherwise);
  return Value::undefined("the inline if-expression is false and has no else");
}

}  // namespace nestor::chat
