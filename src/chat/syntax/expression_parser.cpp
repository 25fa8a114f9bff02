#include "chat/syntax/expression_parser.h"

#include "chat/syntax/expression_shape.h"

namespace nestor::chat {
namespace {

// Bounds the recursion of the parser, of evaluation and of the tree's destruction.
constexpr int kMaxExpressionDepth = 150;

[[noreturn]] void too_deep(int line) {
  fail(ErrorKind::limit, "line {}: an expression is nested deeper than {} levels", line, kMaxExpressionDepth);
}

// Leaves the level when the parser does.
class Level {
 public:
  Level(int& open, int line) : open_(open) {
    if (open_ >= kMaxExpressionDepth) too_deep(line);
    ++open_;
  }
  ~Level() { --open_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  int& open_;
};

// Python writes the negative of this literal with a minus; that of the integer 0 is 0.
bool is_written_negative(const ExpressionPtr& operand) {
  const auto* literal = std::get_if<Constant>(&operand->node);
  return literal && literal->value.real() && literal->value.integer() != Int{0};
}

Value literal_text(std::string text) { return Text(std::move(text), Origin::template_text); }

}  // namespace

ExpressionPtr ExpressionParser::make(int line, decltype(Expression::node) node) {
  auto e = std::make_unique<Expression>();
  e->depth = 1 + depth_below(node);
  if (e->depth > kMaxExpressionDepth) too_deep(line);
  e->node = std::move(node);
  e->line = line;
  return e;
}

ExpressionPtr ExpressionParser::expression() {
  ExpressionPtr value = either();
  while (tokens_.current().is_name("if")) {
    const Level level(open_, tokens_.line());
    const int line = tokens_.take().line;
    ExpressionPtr condition = either();
    ExpressionPtr otherwise = tokens_.take_name("else") ? expression() : nullptr;
    value = make(line, Conditional{std::move(condition), std::move(value), std::move(otherwise)});
  }
  return value;
}

ExpressionPtr ExpressionParser::unconditional() { return either(); }

ExpressionPtr ExpressionParser::either() {
  const Level level(open_, tokens_.line());
  ExpressionPtr left = both();
  while (tokens_.current().is_name("or")) {
    const int line = tokens_.take().line;
    ExpressionPtr right = both();
    left = make(line, Logical{Logical::Op::either, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::both() {
  ExpressionPtr left = negation();
  while (tokens_.current().is_name("and")) {
    const int line = tokens_.take().line;
    ExpressionPtr right = negation();
    left = make(line, Logical{Logical::Op::both, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::negation() {
  if (!tokens_.current().is_name("not")) return comparison();
  const Level level(open_, tokens_.line());
  const int line = tokens_.take().line;
  return make(line, Unary{Unary::Op::logical_not, negation()});
}

ExpressionPtr ExpressionParser::comparison() {
  constexpr std::pair<std::string_view, CompareOp> kOps[] = {{"==", CompareOp::eq}, {"!=", CompareOp::ne},
                                                             {"<", CompareOp::lt},  {"<=", CompareOp::le},
                                                             {">", CompareOp::gt},  {">=", CompareOp::ge}};
  const auto operation = [&]() -> std::optional<CompareOp> {
    for (const auto& [spelling, op] : kOps) {
      if (tokens_.take_op(spelling)) return op;
    }
    if (tokens_.take_name("in")) return CompareOp::in;
    if (!tokens_.current().is_name("not") || !tokens_.ahead().is_name("in")) return std::nullopt;
    tokens_.take();
    tokens_.take();
    return CompareOp::not_in;
  };
  const int line = tokens_.line();
  ExpressionPtr first = sum();
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
  while (const auto op = operation()) rest.emplace_back(*op, sum());
  return rest.empty() ? std::move(first) : make(line, Compare{std::move(first), std::move(rest)});
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concatenation();
  while (tokens_.current().is_op("+") || tokens_.current().is_op("-")) {
    const Token token = tokens_.take();
    ExpressionPtr right = concatenation();
    left = make(token.line, Binary{token.spelling == "+" ? BinaryOp::add : BinaryOp::subtract,
                                   std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  const int line = tokens_.line();
  std::vector<ExpressionPtr> parts;
  do {
    parts.push_back(product());
  } while (tokens_.take_op("~"));
  return parts.size() == 1 ? std::move(parts.front()) : make(line, Concat{std::move(parts)});
}

ExpressionPtr ExpressionParser::product() {
  const auto operation = [&]() -> std::optional<BinaryOp> {
    if (tokens_.current().is_op("*")) return BinaryOp::multiply;
    if (tokens_.current().is_op("/")) return BinaryOp::divide;
    if (tokens_.current().is_op("//")) return BinaryOp::floor_divide;
    if (tokens_.current().is_op("%")) return BinaryOp::modulo;
    return std::nullopt;
  };
  ExpressionPtr left = power();
  while (const auto op = operation()) {
    const int line = tokens_.take().line;
    ExpressionPtr right = power();
    left = make(line, Binary{*op, std::move(left), std::move(right)});
  }
  return left;
}

// a ** b ** c groups from the left here, unlike in Python.
ExpressionPtr ExpressionParser::power() {
  ExpressionPtr base = unary(Filters::allowed);
  while (tokens_.current().is_op("**")) {
    const int line = tokens_.take().line;
    ExpressionPtr exponent = unary(Filters::allowed);
    // The reference computes what it can beforehand: -2 ** 2 is (-2) ** 2, but where the exponent is known
    // only later, Python reads the number written there with its own rule, -(2 ** x).
    auto* minus = std::get_if<Unary>(&base->node);
    if (minus && minus->op == Unary::Op::negate && is_written_negative(minus->operand) &&
        !is_constant(exponent)) {
      minus->operand = make(line, Binary{BinaryOp::power, std::move(minus->operand), std::move(exponent)});
      base = make(line, std::move(*minus));
      continue;
    }
    base = make(line, Binary{BinaryOp::power, std::move(base), std::move(exponent)});
  }
  return base;
}

ExpressionPtr ExpressionParser::unary(Filters filters) {
  ExpressionPtr value;
  if (tokens_.current().is_op("-") || tokens_.current().is_op("+")) {
    const Level level(open_, tokens_.line());
    const Token token = tokens_.take();
    const auto op = token.spelling == "-" ? Unary::Op::negate : Unary::Op::plus;
    value = make(token.line, Unary{op, unary(Filters::outside)});
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return filters == Filters::allowed ? filters_and_tests(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::primary() {
  const Token& token = tokens_.current();
  const int line = token.line;
  if (token.is(Token::Kind::name)) {
    const std::string name = tokens_.take().spelling;
    if (name == "true" || name == "True") return make(line, Constant{true});
    if (name == "false" || name == "False") return make(line, Constant{false});
    if (name == "none" || name == "None") return make(line, Constant{None{}});
    return make(line, Name{name});
  }
  if (token.is(Token::Kind::text)) {
    std::string text;
    while (tokens_.current().is(Token::Kind::text)) text += tokens_.take().spelling;
    return make(line, Constant{literal_text(std::move(text))});
  }
  if (token.is(Token::Kind::integer)) return make(line, Constant{tokens_.take().integer});
  if (token.is(Token::Kind::number)) return make(line, Constant{tokens_.take().number});
  if (token.is_op("(")) return parenthesized();
  if (token.is_op("[")) return list();
  if (token.is_op("{")) return dict();
  syntax_error(line, fmt::format("unexpected {}, expected an expression", describe(token)));
}

ExpressionPtr ExpressionParser::parenthesized() {
  const int line = tokens_.line();
  tokens_.expect_op("(");
  ExpressionPtr inside = tokens_.current().is_op(")") ? make(line, Sequence{Sequence::Kind::tuple, {}})
                                                      : tuple_or_expression(Head::any);
  tokens_.expect_op(")");
  return inside;
}

bool ExpressionParser::tuple_ends() const {
  const Token& token = tokens_.current();
  return token.is(Token::Kind::print_end) || token.is(Token::Kind::block_end) || token.is_op(")");
}

ExpressionPtr ExpressionParser::tuple_or_expression(Head head) {
  const int line = tokens_.line();
  std::vector<ExpressionPtr> items;
  while (!tuple_ends()) {
    items.push_back(head == Head::any ? expression() : unconditional());
    if (tokens_.take_op(",")) continue;
    if (items.size() == 1) return std::move(items.front());
    break;
  }
  if (items.empty()) {
    syntax_error(line, fmt::format("expected an expression, got {}", describe(tokens_.current())));
  }
  return make(line, Sequence{Sequence::Kind::tuple, std::move(items)});
}

ExpressionPtr ExpressionParser::list() {
  const int line = tokens_.line();
  tokens_.expect_op("[");
  std::vector<ExpressionPtr> items;
  while (!tokens_.current().is_op("]")) {
    if (!items.empty()) tokens_.expect_op(",");
    if (tokens_.current().is_op("]")) break;
    items.push_back(expression());
  }
  tokens_.expect_op("]");
  return make(line, Sequence{Sequence::Kind::list, std::move(items)});
}

ExpressionPtr ExpressionParser::dict() {
  const int line = tokens_.line();
  tokens_.expect_op("{");
  DictLiteral literal;
  while (!tokens_.current().is_op("}")) {
    if (!literal.entries.empty()) tokens_.expect_op(",");
    if (tokens_.current().is_op("}")) break;
    ExpressionPtr key = expression();
    tokens_.expect_op(":");
    literal.entries.emplace_back(std::move(key), expression());
  }
  tokens_.expect_op("}");
  return make(line, std::move(literal));
}

}  // namespace nestor::chat
