#include "chat/syntax/parser.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "chat/syntax/expression_parser.h"
#include "chat/syntax/token_stream.h"

namespace nestor::chat {
namespace {

constexpr int kMaxBlockDepth = 60;

using Ends = std::initializer_list<std::string_view>;

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)), expressions_(tokens_) {}

  Body run() { return statements({}, 0); }

 private:
  // Where `break` and `continue` may stand.
  enum class Around { function, loop };

  // Statements up to one of `ends`, whose `{%` is taken, or to the end of the template where there are none.
  Body statements(Ends ends, int opened_at) {
    Body body;
    while (true) {
      const Token token = tokens_.take();
      if (token.is(Token::Kind::end)) {
        if (ends.size() == 0) return body;
        syntax_error(opened_at, fmt::format("the template ends before {}", fmt::join(ends, " or ")));
      }
      if (token.is(Token::Kind::data)) {
        output(body, constant_text(token));
      } else if (token.is(Token::Kind::print_begin)) {
        output(body, expressions_.tuple_or_expression(ExpressionParser::Head::any));
        tokens_.expect(Token::Kind::print_end, "end of print statement");
      } else {
        if (is_one_of(tokens_.current(), ends)) return body;
        statement(body, ends);
      }
    }
  }

  static bool is_one_of(const Token& token, Ends names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return token.is_name(name); });
  }

  static ExpressionPtr constant_text(const Token& token) {
    auto e = std::make_unique<Expression>();
    e->node = Constant{Text(token.spelling, Origin::template_text)};
    e->line = token.line;
    e->depth = 1;
    return e;
  }

  static void output(Body& body, ExpressionPtr part) {
    if (body.empty() || !std::holds_alternative<Output>(body.back().node)) {
      Statement statement;
      statement.line = part->line;
      body.push_back(std::move(statement));
    }
    std::get<Output>(body.back().node).parts.push_back(std::move(part));
  }

  void end_of_block() { tokens_.expect(Token::Kind::block_end, "end of statement block"); }

  // The body of a block: the rest of its opening tag (a colon is allowed), statements, the end tag's name.
  Body block_body(Ends ends, int opened_at) {
    tokens_.take_op(":");
    end_of_block();
    if (depth_ >= kMaxBlockDepth) {
      fail(ErrorKind::limit, "line {}: blocks are nested deeper than {} levels", opened_at, kMaxBlockDepth);
    }
    ++depth_;
    Body body = statements(ends, opened_at);
    --depth_;
    return body;
  }

  Body function_body(Ends ends, int opened_at) {
    const Around outside = std::exchange(around_, Around::function);
    Body body = block_body(ends, opened_at);
    around_ = outside;
    return body;
  }

  void statement(Body& body, Ends ends) {
    const Token tag = tokens_.expect(Token::Kind::name, "the name of a tag");
    Statement out;
    out.line = tag.line;
    out.node = parse(tag, ends);
    end_of_block();
    body.push_back(std::move(out));
  }

  decltype(Statement::node) parse(const Token& tag, Ends ends) {
    const std::string& name = tag.spelling;
    if (name == "for") return for_loop(tag.line);
    if (name == "if") return condition(tag.line);
    if (name == "set") return assignment(tag.line);
    if (name == "macro") return macro(tag.line);
    if (name == "call") return call_block(tag.line);
    if (name == "filter") return filter_block(tag.line);
    if (name == "with") return with(tag.line);
    if (name == "generation") return generation(tag.line);
    if (name == "print") return print();
    if (name == "break" || name == "continue") return jump(tag);
    constexpr std::array<std::string_view, 7> kKnown = {"include", "extends",    "import", "from",
                                                        "block",   "autoescape", "do"};
    if (std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end()) {
      fail(ErrorKind::unsupported, "line {}: the tag '{}' is not supported in chat templates", tag.line,
           name);
    }
    const std::string wanted = ends.size() == 0 ? "" : fmt::format(", expected {}", fmt::join(ends, " or "));
    syntax_error(tag.line, fmt::format("unknown tag {}{}", in_quotes(name), wanted));
  }

  // ---- assignment targets

  Target name_target() {
    const Token token = tokens_.expect(Token::Kind::name, "a name");
    constexpr std::array<std::string_view, 6> kConstants = {"true", "false", "none", "True", "False", "None"};
    if (std::find(kConstants.begin(), kConstants.end(), token.spelling) != kConstants.end()) {
      syntax_error(token.line, fmt::format("cannot assign to '{}'", token.spelling));
    }
    if (token.spelling == "loop" && around_ == Around::loop) {
      syntax_error(token.line, "cannot assign to the special variable 'loop' in a loop");
    }
    return Target{token.spelling};
  }

  enum class Members { allowed, refused };

  Target single_target(Members members) {
    if (tokens_.take_op("(")) {
      Target target = target_list(members);
      tokens_.expect_op(")");
      return target;
    }
    if (members == Members::allowed && tokens_.ahead().is_op(".")) {
      const std::string object = tokens_.expect(Token::Kind::name, "a name").spelling;
      tokens_.take();
      return Target{Target::Member{object, tokens_.expect(Token::Kind::name, "a name").spelling}};
    }
    return name_target();
  }

  Target target_list(Members members) {
    if (depth_ >= kMaxBlockDepth) syntax_error(tokens_.line(), "an assignment is nested too deep");
    ++depth_;
    std::vector<Target> targets;
    bool is_tuple = false;
    do {
      const Token& token = tokens_.current();
      const bool ends = token.is(Token::Kind::block_end) || token.is_op(")");
      if (is_tuple && ends) break;
      targets.push_back(single_target(members));
      is_tuple = tokens_.current().is_op(",") || is_tuple;
    } while (tokens_.take_op(","));
    --depth_;
    return is_tuple ? Target{std::move(targets)} : std::move(targets.front());
  }

  // ---- statements

  For for_loop(int line) {
    For loop;
    const Around outside = around_;
    around_ = Around::loop;  // for the check of the target's name
    loop.target = target_list(Members::refused);
    around_ = outside;
    tokens_.expect_name("in");
    loop.iterable = expressions_.tuple_or_expression(ExpressionParser::Head::unconditional);
    if (tokens_.take_name("if")) loop.condition = expressions_.expression();
    if (tokens_.take_name("recursive")) loop.recursion = For::Recursion::allowed;
    around_ = Around::loop;
    loop.body = block_body({"endfor", "else"}, line);
    around_ = outside;
    if (tokens_.take().spelling == "else") {
      loop.otherwise = block_body({"endfor"}, line);
      tokens_.take();
    }
    return loop;
  }

  If condition(int line) {
    If out;
    std::string next = "if";
    while (next != "endif") {
      If::Branch branch;
      if (next != "else") {
        branch.condition = expressions_.tuple_or_expression(ExpressionParser::Head::unconditional);
        branch.body = block_body({"elif", "else", "endif"}, line);
      } else {
        branch.body = block_body({"endif"}, line);
      }
      out.branches.push_back(std::move(branch));
      next = tokens_.take().spelling;
    }
    return out;
  }

  decltype(Statement::node) assignment(int line) {
    Target target = target_list(Members::allowed);
    if (tokens_.take_op("=")) {
      return Set{std::move(target), expressions_.tuple_or_expression(ExpressionParser::Head::any)};
    }
    SetBlock block{std::move(target), expressions_.optional_block_filters(), {}};
    block.body = block_body({"endset"}, line);
    tokens_.take();
    return block;
  }

  Signature signature() {
    Signature out;
    tokens_.expect_op("(");
    while (!tokens_.current().is_op(")")) {
      if (!out.parameters.empty()) tokens_.expect_op(",");
      Signature::Parameter parameter;
      const Token name = tokens_.expect(Token::Kind::name, "the name of a parameter");
      parameter.name = name.spelling;
      for (const auto& other : out.parameters) {
        if (other.name == parameter.name) {
          syntax_error(name.line, fmt::format("the parameter {} occurs twice", in_quotes(name.spelling)));
        }
      }
      if (tokens_.take_op("=")) {
        parameter.otherwise = expressions_.expression();
      } else if (!out.parameters.empty() && out.parameters.back().otherwise) {
        syntax_error(name.line, "a parameter without default follows one with a default");
      }
      out.parameters.push_back(std::move(parameter));
    }
    tokens_.expect_op(")");
    return out;
  }

  void function(MacroDefinition& macro, Ends ends, int line) {
    const std::size_t from = tokens_.position();
    macro.body = function_body(ends, line);
    const std::size_t to = tokens_.position();
    tokens_.take();
    macro.uses_varargs = tokens_.mentions("varargs", from, to);
    macro.uses_kwargs = tokens_.mentions("kwargs", from, to);
    macro.uses_caller = tokens_.mentions("caller", from, to);
    for (const auto& parameter : macro.signature.parameters) {
      if (parameter.name == "caller" && macro.uses_caller && !parameter.otherwise) {
        syntax_error(line, "a parameter named 'caller' needs a default");
      }
    }
  }

  SetMacro macro(int line) {
    auto macro = std::make_shared<MacroDefinition>();
    macro->name = tokens_.expect(Token::Kind::name, "the name of the macro").spelling;
    macro->signature = signature();
    function(*macro, {"endmacro"}, line);
    return {std::move(macro)};
  }

  CallBlock call_block(int line) {
    auto caller = std::make_shared<MacroDefinition>();
    caller->name = "caller";
    if (tokens_.current().is_op("(")) caller->signature = signature();
    ExpressionPtr call = expressions_.expression();
    if (!std::holds_alternative<Call>(call->node)) syntax_error(line, "expected the call of a macro");
    function(*caller, {"endcall"}, line);
    return {std::move(caller), std::move(call)};
  }

  FilterBlock filter_block(int line) {
    FilterBlock block{expressions_.block_filters(), {}};
    block.body = block_body({"endfilter"}, line);
    tokens_.take();
    return block;
  }

  With with(int line) {
    With out;
    while (!tokens_.current().is(Token::Kind::block_end)) {
      if (!out.assignments.empty()) tokens_.expect_op(",");
      Target target = single_target(Members::refused);
      tokens_.expect_op("=");
      out.assignments.emplace_back(std::move(target), expressions_.expression());
    }
    out.body = block_body({"endwith"}, line);
    tokens_.take();
    return out;
  }

  Generation generation(int line) {
    Generation out{function_body({"endgeneration"}, line)};
    tokens_.take();
    return out;
  }

  Output print() {
    Output out;
    while (!tokens_.current().is(Token::Kind::block_end)) {
      if (!out.parts.empty()) tokens_.expect_op(",");
      out.parts.push_back(expressions_.expression());
    }
    return out;
  }

  Jump jump(const Token& tag) {
    if (around_ != Around::loop) {
      syntax_error(tag.line, fmt::format("'{}' outside of a loop", tag.spelling));
    }
    return {tag.spelling == "break" ? Jump::Kind::leave : Jump::Kind::next};
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  Around around_ = Around::function;
  int depth_ = 0;
};

}  // namespace

Body parse_template(std::string_view source) { return Parser(source).run(); }

}  // namespace nestor::chat
