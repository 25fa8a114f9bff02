// Expressions of the template language, by descent through the levels of precedence.
#pragma once

#include "chat/syntax/ast.h"
#include "chat/syntax/token_stream.h"

namespace nestor::chat {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  ExpressionPtr expression();
  /// Without `a if b else c` at the outermost level (the heads of `if` and `for`).
  ExpressionPtr unconditional();
  /// An expression, or a tuple where commas follow.
  enum class Head { any, unconditional };
  ExpressionPtr tuple_or_expression(Head head);
  /// A name, literal or bracketed expression without what may follow it.
  ExpressionPtr primary();
  /// `name | name(...) | ...` applied to the text of a block: the first name is not preceded by a bar.
  ExpressionPtr block_filters();
  /// `| name | ...` applied to the text of a block; nullptr where no bar follows.
  ExpressionPtr optional_block_filters();

 private:
  ExpressionPtr either();
  ExpressionPtr both();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  enum class Filters { allowed, outside };
  ExpressionPtr unary(Filters filters);
  ExpressionPtr parenthesized();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr object);
  ExpressionPtr filters_and_tests(ExpressionPtr input);
  ExpressionPtr member(ExpressionPtr object);
  ExpressionPtr subscript(ExpressionPtr object);
  ExpressionPtr filter(ExpressionPtr input);
  ExpressionPtr test(ExpressionPtr input);
  ExpressionPtr call(ExpressionPtr callee);
  CallArguments arguments();
  void argument(CallArguments& out);
  bool tuple_ends() const;

  ExpressionPtr make(int line, decltype(Expression::node) node);

  TokenStream& tokens_;
  int open_ = 0;  // expressions being parsed inside each other
};

}  // namespace nestor::chat
