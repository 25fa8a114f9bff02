// What follows an operand: members, subscripts, calls, filters and tests.
#include "chat/syntax/expression_parser.h"

namespace nestor::chat {

ExpressionPtr ExpressionParser::postfix(ExpressionPtr object) {
  while (true) {
    if (tokens_.current().is_op(".")) {
      object = member(std::move(object));
    } else if (tokens_.current().is_op("[")) {
      object = subscript(std::move(object));
    } else if (tokens_.current().is_op("(")) {
      object = call(std::move(object));
    } else {
      return object;
    }
  }
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr input) {
  while (true) {
    if (tokens_.take_op("|")) {
      input = filter(std::move(input));
    } else if (tokens_.take_name("is")) {
      input = test(std::move(input));
    } else if (tokens_.current().is_op("(")) {
      input = call(std::move(input));
    } else {
      return input;
    }
  }
}

ExpressionPtr ExpressionParser::member(ExpressionPtr object) {
  const int line = tokens_.take().line;
  if (tokens_.current().is(Token::Kind::integer)) {
    ExpressionPtr key = make(line, Constant{tokens_.take().integer});
    return make(line, Item{std::move(object), std::move(key)});
  }
  std::string name = tokens_.expect(Token::Kind::name, "a name or number").spelling;
  return make(line, Attribute{std::move(object), std::move(name)});
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object) {
  const int line = tokens_.take().line;
  const auto part = [&]() -> ExpressionPtr {
    const Token& token = tokens_.current();
    return token.is_op(":") || token.is_op("]") || token.is_op(",") ? nullptr : expression();
  };
  ExpressionPtr first = part();
  if (tokens_.take_op(":")) {
    Slice slice{std::move(object), std::move(first), part(), nullptr};
    if (tokens_.take_op(":")) slice.step = part();
    tokens_.expect_op("]");
    return make(line, std::move(slice));
  }
  std::vector<ExpressionPtr> keys;
  if (first) keys.push_back(std::move(first));
  while (!tokens_.current().is_op("]")) {
    tokens_.expect_op(",");
    keys.push_back(expression());
    if (tokens_.current().is_op(":")) {
      fail(ErrorKind::unsupported, "line {}: slices inside a tuple are not supported", line);
    }
  }
  tokens_.expect_op("]");
  ExpressionPtr key = keys.size() == 1 ? std::move(keys.front())
                                       : make(line, Sequence{Sequence::Kind::tuple, std::move(keys)});
  return make(line, Item{std::move(object), std::move(key)});
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr input) {
  const Token token = tokens_.expect(Token::Kind::name, "the name of a filter");
  CallArguments given;
  if (tokens_.current().is_op("(")) given = arguments();
  return make(token.line, Filter{std::move(input), token.spelling, std::move(given)});
}

ExpressionPtr ExpressionParser::test(ExpressionPtr input) {
  const bool negated = tokens_.take_name("not");
  const Token name = tokens_.expect(Token::Kind::name, "the name of a test");
  CallArguments given;
  const Token& next = tokens_.current();
  const bool value_follows = next.is(Token::Kind::text) || next.is(Token::Kind::integer) ||
                             next.is(Token::Kind::number) || next.is_op("[") || next.is_op("{") ||
                             next.is(Token::Kind::name);
  if (next.is_op("(")) {
    given = arguments();
  } else if (value_follows && !next.is_name("else") && !next.is_name("or") && !next.is_name("and")) {
    if (next.is_name("is")) syntax_error(next.line, "tests with `is` cannot be chained");
    ExpressionPtr argument = primary();
    given.positional.push_back(postfix(std::move(argument)));
  }
  ExpressionPtr result = make(name.line, Test{std::move(input), name.spelling, std::move(given)});
  return negated ? make(name.line, Unary{Unary::Op::logical_not, std::move(result)}) : std::move(result);
}

ExpressionPtr ExpressionParser::call(ExpressionPtr callee) {
  const int line = tokens_.line();
  return make(line, Call{std::move(callee), arguments()});
}

CallArguments ExpressionParser::arguments() {
  tokens_.expect_op("(");
  CallArguments out;
  while (!tokens_.current().is_op(")")) {
    argument(out);
    if (!tokens_.current().is_op(")")) tokens_.expect_op(",");
  }
  tokens_.expect_op(")");
  return out;
}

void ExpressionParser::argument(CallArguments& out) {
  const int line = tokens_.line();
  const auto in_order = [&](bool fine) {
    if (!fine)
      syntax_error(line, "arguments in a wrong order: positional ones first, then named, *list, **dict");
  };
  if (tokens_.take_op("*")) {
    in_order(!out.list && !out.dict);
    out.list = expression();
  } else if (tokens_.take_op("**")) {
    in_order(!out.dict);
    out.dict = expression();
  } else if (tokens_.current().is(Token::Kind::name) && tokens_.ahead().is_op("=")) {
    in_order(!out.dict);
    std::string name = tokens_.take().spelling;
    tokens_.take();
    for (const auto& [other, value] : out.named) {
      if (other == name) syntax_error(line, fmt::format("the argument '{}' is given twice", name));
    }
    out.named.emplace_back(std::move(name), expression());
  } else {
    in_order(!out.list && !out.dict && out.named.empty());
    out.positional.push_back(expression());
  }
}

ExpressionPtr ExpressionParser::block_filters() {
  ExpressionPtr chain = filter(nullptr);
  while (tokens_.take_op("|")) chain = filter(std::move(chain));
  return chain;
}

ExpressionPtr ExpressionParser::optional_block_filters() {
  return tokens_.take_op("|") ? block_filters() : nullptr;
}

}  // namespace nestor::chat
