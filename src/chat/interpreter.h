// Walks a parsed template and writes its text.
#pragma once

#include <functional>
#include <memory>

#include "chat/runtime.h"
#include "chat/scope.h"
#include "chat/syntax/ast.h"

namespace nestor::chat {

class Macro;

/// One rendering. Not for use by several threads; the syntax tree it walks may be shared.
class Interpreter {
 public:
  Interpreter(Runtime& runtime, std::shared_ptr<Scope> variables)
      : runtime_(runtime), scope_(std::move(variables)) {}

  Text render(const Body& body);
  /// Calls a macro defined by this template.
  Value invoke(const Macro& macro, const Arguments& arguments);

 private:
  /// How a block ended: at its end, or by `break` or `continue`.
  enum class Flow { done, leave, next };
  using ScopePtr = std::shared_ptr<Scope>;

  // ---- statements (interpreter.cpp)
  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow run_in(ScopePtr scope, const Body& body);
  Flow capture(Text& out, const Body& body);
  Flow execute(const Output& node);
  Flow execute(const If& node);
  Flow execute(const For& node);
  Flow execute(const Set& node);
  Flow execute(const SetBlock& node);
  Flow execute(const SetMacro& node);
  Flow execute(const CallBlock& node);
  Flow execute(const FilterBlock& node);
  Flow execute(const With& node);
  Flow execute(const Generation& node);
  Flow execute(const Jump& node);
  Flow run_loop(const For& node, const Value& iterable, int depth0);
  Value filtered(const For& node, const Value& iterable);
  void assign(const Target& target, const Value& value);
  ScopePtr inner_scope() const { return std::make_shared<Scope>(scope_); }

  // ---- expressions (evaluate.cpp)
  Value evaluate(const Expression& expression);
  Value value_of(const Constant& node);
  Value value_of(const Name& node);
  Value value_of(const Sequence& node);
  Value value_of(const DictLiteral& node);
  Value value_of(const Attribute& node);
  Value value_of(const Item& node);
  Value value_of(const Slice& node);
  Value value_of(const Call& node);
  Value value_of(const Filter& node);
  Value value_of(const Test& node);
  Value value_of(const Unary& node);
  Value value_of(const Binary& node);
  Value value_of(const Concat& node);
  Value value_of(const Compare& node);
  Value value_of(const Logical& node);
  Value value_of(const Conditional& node);
  std::vector<Value> values_of(const std::vector<ExpressionPtr>& expressions);
  Arguments arguments_of(const CallArguments& node);
  Value call(const Call& node, const Value* caller);
  /// A filter chain over the text of a block.
  Value filter_text(const Expression* filters, Text text);

  Runtime& runtime_;
  ScopePtr scope_;
  Text* out_ = nullptr;
  const Value* block_text_ = nullptr;  // input of a filter without one
};

/// A macro, or the body of a call block, with the variables around its definition.
class Macro : public Object {
 public:
  Macro(Interpreter& interpreter, std::shared_ptr<const MacroDefinition> definition,
        std::shared_ptr<Scope> scope)
      : interpreter_(interpreter), definition_(std::move(definition)), scope_(std::move(scope)) {}

  std::string type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  Value call(Runtime&, const Arguments& arguments) override { return interpreter_.invoke(*this, arguments); }
  std::optional<Value> attribute(Runtime&, std::string_view name) override;
  std::string repr(Runtime&) const override;
  void release() override { scope_.reset(); }
  const MacroDefinition& definition() const { return *definition_; }
  const std::shared_ptr<Scope>& scope() const { return scope_; }

 private:
  Interpreter& interpreter_;
  std::shared_ptr<const MacroDefinition> definition_;
  std::shared_ptr<Scope> scope_;
};

}  // namespace nestor::chat
