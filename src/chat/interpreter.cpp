#include "chat/interpreter.h"

#include <utility>

#include "chat/loop.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

// Puts a variable back at the end of a block, however it ends.
template <typename T>
class Swapped {
 public:
  Swapped(T& variable, T value) : variable_(variable), saved_(std::exchange(variable, std::move(value))) {}
  ~Swapped() { variable_ = std::move(saved_); }
  Swapped(const Swapped&) = delete;
  Swapped& operator=(const Swapped&) = delete;

 private:
  T& variable_;
  T saved_;
};

}  // namespace

Text Interpreter::render(const Body& body) {
  Text text;
  capture(text, body);
  return text;
}

Interpreter::Flow Interpreter::run(const Body& body) {
  for (const Statement& statement : body) {
    if (const Flow flow = run(statement); flow != Flow::done) return flow;
  }
  return Flow::done;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  const Runtime::Depth depth(runtime_);
  runtime_.step();
  runtime_.line = statement.line;
  return std::visit([&](const auto& node) { return execute(node); }, statement.node);
}

Interpreter::Flow Interpreter::run_in(ScopePtr scope, const Body& body) {
  const Swapped<ScopePtr> inside(scope_, std::move(scope));
  return run(body);
}

Interpreter::Flow Interpreter::capture(Text& out, const Body& body) {
  const Swapped<Text*> into(out_, &out);
  return run(body);
}

Interpreter::Flow Interpreter::execute(const Output& node) {
  for (const ExpressionPtr& part : node.parts) runtime_.append(*out_, str_of(runtime_, evaluate(*part)));
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const If& node) {
  for (const If::Branch& branch : node.branches) {
    if (!branch.condition || truth(evaluate(*branch.condition))) return run(branch.body);
  }
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const For& node) {
  return run_loop(node, evaluate(*node.iterable), 0);
}

// The elements that fulfil the loop's condition, looked at only when the loop comes to them.
Value Interpreter::filtered(const For& node, const Value& iterable) {
  auto next = [this, &node, around = scope_, next = iterate(runtime_, iterable)]() -> std::optional<Value> {
    while (auto item = next()) {
      const Swapped<ScopePtr> inside(scope_, std::make_shared<Scope>(around));
      scope_->set("loop", Value::undefined("'loop' is undefined in the condition of a loop"));
      assign(node.target, *item);
      if (truth(evaluate(*node.condition))) return item;
    }
    return std::nullopt;
  };
  return Value(std::make_shared<Generator>(std::move(next), iterable.extent()));
}

Interpreter::Flow Interpreter::run_loop(const For& node, const Value& iterable, int depth0) {
  Loop::Recurse recurse;
  if (node.recursion == For::Recursion::allowed) {
    recurse = [this, &node, around = scope_, depth0](const Value& children) {
      const Swapped<ScopePtr> outside(scope_, around);
      Text text;
      const Swapped<Text*> into(out_, &text);
      run_loop(node, children, depth0 + 1);
      return runtime_.text(std::move(text));
    };
  }
  const auto loop = runtime_.keep(std::make_shared<Loop>(
      runtime_, node.condition ? filtered(node, iterable) : iterable, depth0, std::move(recurse)));
  bool iterated = false;
  while (auto item = loop->advance()) {
    iterated = true;
    runtime_.step(3);  // a scope and an assignment cost more than an expression
    const Swapped<ScopePtr> inside(scope_, inner_scope());
    scope_->set("loop", Value(loop));
    assign(node.target, *item);
    if (run(node.body) == Flow::leave) break;
  }
  return iterated ? Flow::done : run_in(inner_scope(), node.otherwise);
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (const auto* name = std::get_if<std::string>(&target.to)) {
    scope_->set(*name, value);
  } else if (const auto* member = std::get_if<Target::Member>(&target.to)) {
    const Value* object = scope_->find(member->object);
    auto* space = object ? object->as<Namespace>() : nullptr;
    if (!space) fail(ErrorKind::bad_input, "cannot assign attribute on non-namespace object");
    space->set(member->attribute, value);
  } else {
    const auto& targets = std::get<std::vector<Target>>(target.to);
    const std::vector<Value> values = elements(runtime_, value);
    if (values.size() != targets.size()) {
      fail(ErrorKind::bad_input, "cannot unpack {} values into {} names", values.size(), targets.size());
    }
    for (std::size_t i = 0; i < targets.size(); ++i) assign(targets[i], values[i]);
  }
}

Interpreter::Flow Interpreter::execute(const Set& node) {
  assign(node.target, evaluate(*node.value));
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const SetBlock& node) {
  Text text;
  const Swapped<ScopePtr> inside(scope_, inner_scope());
  const Flow flow = capture(text, node.body);
  if (flow != Flow::done) return flow;
  const Value value = filter_text(node.filters.get(), std::move(text));
  scope_ = scope_->around();
  assign(node.target, value);
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const SetMacro& node) {
  runtime_.keep(scope_);
  scope_->set(node.macro->name, Value(runtime_.keep(std::make_shared<Macro>(*this, node.macro, scope_))));
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const CallBlock& node) {
  runtime_.keep(scope_);
  const Value caller(runtime_.keep(std::make_shared<Macro>(*this, node.caller, scope_)));
  runtime_.append(*out_, str_of(runtime_, call(std::get<Call>(node.call->node), &caller)));
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const FilterBlock& node) {
  const Swapped<ScopePtr> inside(scope_, inner_scope());
  Text text;
  const Flow flow = capture(text, node.body);
  if (flow != Flow::done) return flow;
  const Value result = filter_text(node.filters.get(), std::move(text));
  if (!result.text()) {
    fail(ErrorKind::bad_input, "the filters of a block must make a text, not {}", result.type_name());
  }
  runtime_.append(*out_, *result.text());
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const With& node) {
  std::vector<Value> values;
  for (const auto& [target, value] : node.assignments) values.push_back(evaluate(*value));
  const Swapped<ScopePtr> inside(scope_, inner_scope());
  for (std::size_t i = 0; i < values.size(); ++i) assign(node.assignments[i].first, values[i]);
  return run(node.body);
}

Interpreter::Flow Interpreter::execute(const Generation& node) {
  Text text;
  const Swapped<ScopePtr> inside(scope_, inner_scope());
  capture(text, node.body);
  const std::size_t begin = out_->size();
  runtime_.append(*out_, text);
  out_->mark_generation({begin, out_->size()});
  return Flow::done;
}

Interpreter::Flow Interpreter::execute(const Jump& node) {
  return node.kind == Jump::Kind::leave ? Flow::leave : Flow::next;
}

Value Interpreter::invoke(const Macro& macro, const Arguments& arguments) {
  const Runtime::Depth depth(runtime_);
  const MacroDefinition& definition = macro.definition();
  const auto& parameters = definition.signature.parameters;
  const Swapped<ScopePtr> inside(scope_, std::make_shared<Scope>(macro.scope()));
  std::vector<std::pair<std::string, Value>> named = arguments.named;
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    for (auto it = named.begin(); it != named.end(); ++it) {
      if (it->first != name) continue;
      Value value = std::move(it->second);
      named.erase(it);
      return value;
    }
    return std::nullopt;
  };

  bool has_caller_parameter = false;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, otherwise] = parameters[i];
    has_caller_parameter = has_caller_parameter || name == "caller";
    std::optional<Value> value;
    if (i < arguments.positional.size()) {
      value = arguments.positional[i];
    } else {
      value = take(name);
    }
    if (!value) {
      value = otherwise ? evaluate(*otherwise) : Value::undefined("parameter '{}' was not provided", name);
    }
    scope_->set(name, std::move(*value));
  }
  if (definition.uses_caller && !has_caller_parameter) {
    scope_->set("caller", take("caller").value_or(Value::undefined("No caller defined")));
  }
  if (definition.uses_kwargs) {
    Dict rest;
    for (auto& [name, value] : named) rest.set(Text(name, Origin::template_text), std::move(value));
    scope_->set("kwargs", Value(std::move(rest)));
  } else if (!named.empty()) {
    fail(ErrorKind::bad_input, "macro '{}' takes no keyword argument '{}'", definition.name,
         named.front().first);
  }
  const std::size_t used = std::min(parameters.size(), arguments.positional.size());
  if (definition.uses_varargs) {
    scope_->set("varargs", Value(Tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(used),
                                        arguments.positional.end()})));
  } else if (used < arguments.positional.size()) {
    fail(ErrorKind::bad_input, "macro '{}' takes not more than {} argument(s)", definition.name,
         parameters.size());
  }
  Text text;
  capture(text, definition.body);
  return runtime_.text(std::move(text));
}

std::optional<Value> Macro::attribute(Runtime&, std::string_view name) {
  if (name == "name") return Text(definition_->name, Origin::template_text);
  return std::nullopt;
}

std::string Macro::repr(Runtime&) const { return "<Macro " + quoted_repr(definition_->name) + ">"; }

}  // namespace nestor::chat
