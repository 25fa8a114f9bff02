// A parsed template. Nodes are plain data; src/chat/interpreter.h gives them their meaning.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "chat/values/value.h"

namespace nestor::chat {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;  // nullptr: absent
using Body = std::vector<Statement>;

// ---- expressions

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
struct Sequence {
  enum class Kind { list, tuple } kind;
  std::vector<ExpressionPtr> items;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
struct Attribute {  // object.name
  ExpressionPtr object;
  std::string name;
};
struct Item {  // object[key]
  ExpressionPtr object, key;
};
struct Slice {  // object[start:stop:step]
  ExpressionPtr object, start, stop, step;
};
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr list, dict;  // *list, **dict
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct Filter {
  ExpressionPtr input;  // absent in filter blocks and block assignments: the block's text
  std::string name;
  CallArguments arguments;
};
struct Test {
  ExpressionPtr input;
  std::string name;
  CallArguments arguments;
};
struct Unary {
  enum class Op { negate, plus, logical_not } op;
  ExpressionPtr operand;
};
enum class BinaryOp { add, subtract, multiply, divide, floor_divide, modulo, power };
struct Binary {
  BinaryOp op;
  ExpressionPtr left, right;
};
struct Concat {  // a ~ b ~ c
  std::vector<ExpressionPtr> parts;
};
enum class CompareOp { eq, ne, lt, le, gt, ge, in, not_in };
struct Compare {  // a < b < c
  ExpressionPtr first;
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
};
struct Logical {
  enum class Op { both, either } op;
  ExpressionPtr left, right;
};
struct Conditional {
  ExpressionPtr condition, then, otherwise;  // without `otherwise`: undefined
};

struct Expression {
  std::variant<Constant, Name, Sequence, DictLiteral, Attribute, Item, Slice, Call, Filter, Test, Unary,
               Binary, Concat, Compare, Logical, Conditional>
      node;
  int line = 0;
  int depth = 0;  // levels of expressions below, this one included
};

// ---- statements

struct Target {    // where an assignment goes
  struct Member {  // namespace.attribute
    std::string object, attribute;
  };
  std::variant<std::string, Member, std::vector<Target>> to;
};

struct Output {
  std::vector<ExpressionPtr> parts;
};
struct If {
  struct Branch {
    ExpressionPtr condition;  // absent: else
    Body body;
  };
  std::vector<Branch> branches;
};
struct For {
  Target target;
  ExpressionPtr iterable, condition;
  Body body, otherwise;
  enum class Recursion { none, allowed } recursion = Recursion::none;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filters;  // absent: the text as it is
  Body body;
};
struct Signature {
  struct Parameter {
    std::string name;
    ExpressionPtr otherwise;  // absent: undefined
  };
  std::vector<Parameter> parameters;
};
struct MacroDefinition {
  std::string name;
  Signature signature;
  Body body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};
struct SetMacro {
  std::shared_ptr<const MacroDefinition> macro;
};
struct CallBlock {
  std::shared_ptr<const MacroDefinition> caller;
  ExpressionPtr call;
};
struct FilterBlock {
  ExpressionPtr filters;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Body body;
};
struct Generation {
  Body body;
};
struct Jump {
  enum class Kind { leave, next } kind;  // break, continue
};

struct Statement {
  std::variant<Output, If, For, Set, SetBlock, SetMacro, CallBlock, FilterBlock, With, Generation, Jump> node;
  int line = 0;
};

}  // namespace nestor::chat
