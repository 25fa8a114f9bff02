#include "chat/syntax/lexer.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "chat/syntax/literal.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

// CR LF and CR become LF; one newline at the end goes.
std::string normalized(std::string_view source) {
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

enum class Tag { none, print, block, comment, raw };

// The opening of a tag as it stands in the source.
struct Opening {
  Tag tag = Tag::none;
  std::size_t begin = 0, end = 0;
  char sign = 0;  // '-', '+' or 0
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized(source)) {
    if (!is_valid_utf8(source_)) syntax_error(1, "the template is not valid UTF-8");
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) lex_data();
    push(Token::Kind::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest(std::size_t from) const { return std::string_view(source_).substr(from); }
  bool starts(std::size_t from, std::string_view text) const { return rest(from).starts_with(text); }
  std::size_t spaces(std::size_t from) const { return from + skip_space(rest(from)); }

  void push(Token::Kind kind, std::string spelling) {
    Token token;
    token.kind = kind;
    token.spelling = std::move(spelling);
    token.line = line_;
    tokens_.push_back(std::move(token));
  }

  // Moves on, counting lines.
  void advance(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    line_starts_ = to > at_ ? source_[to - 1] == '\n' : line_starts_;
    at_ = to;
  }

  char sign_at(std::size_t from) const {
    return from < source_.size() && (source_[from] == '-' || source_[from] == '+') ? source_[from] : char{0};
  }

  // `{% raw %}` is one token: what follows is not lexed. 0 where it is another block.
  std::size_t raw_end(std::size_t after_sign) const {
    const std::size_t word = spaces(after_sign);
    if (!starts(word, "raw")) return 0;
    const std::size_t end = spaces(word + 3);
    if (starts(end, "-%}")) return spaces(end + 3);
    return starts(end, "%}") ? end + 2 : 0;
  }

  Opening next_opening() const {
    for (std::size_t i = source_.find('{', at_); i != std::string::npos; i = source_.find('{', i + 1)) {
      if (i + 1 == source_.size()) break;
      const char kind = source_[i + 1];
      if (kind != '{' && kind != '%' && kind != '#') continue;
      Opening opening;
      opening.begin = i;
      opening.sign = sign_at(i + 2);
      opening.end = i + 2 + (opening.sign != 0 ? 1 : 0);
      opening.tag = kind == '{' ? Tag::print : kind == '#' ? Tag::comment : Tag::block;
      if (kind == '%') {
        if (const std::size_t end = raw_end(opening.end)) {
          opening.tag = Tag::raw;
          opening.end = end;
        }
      }
      return opening;
    }
    return {Tag::none, source_.size(), source_.size(), 0};
  }

  enum class LineStart { strips_blanks, keeps_blanks };

  // Data up to `end`, with what the tag that follows takes away.
  void push_data(std::size_t end, char sign, LineStart rule) {
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    if (sign == '-') {
      text = text.substr(0, skip_space_backwards(text));
    } else if (sign != '+' && rule == LineStart::strips_blanks) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
      if ((line > 0 || line_starts_) && skip_space(text.substr(line)) == text.size() - line) {
        text = text.substr(0, line);
      }
    }
    if (!text.empty()) push(Token::Kind::data, std::string(text));
  }

  void lex_data() {
    const Opening opening = next_opening();
    const bool strips = opening.tag != Tag::print && opening.tag != Tag::none;
    push_data(opening.begin, opening.sign, strips ? LineStart::strips_blanks : LineStart::keeps_blanks);
    advance(opening.begin);
    const int opened_at = line_;
    advance(opening.end);
    if (opening.tag == Tag::comment) skip_comment(opened_at);
    if (opening.tag == Tag::raw) lex_raw(opened_at);
    if (opening.tag == Tag::block || opening.tag == Tag::print) lex_tag(opening.tag);
  }

  // After the end of a block or comment: one newline goes, or all white space after `-`.
  std::size_t after_end(std::size_t end, char sign) const {
    if (sign == '-') return spaces(end);
    return sign != '+' && starts(end, "\n") ? end + 1 : end;
  }

  void skip_comment(int opened_at) {
    if (at_ == source_.size()) return;  // nothing inside: the reference lets it pass
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string::npos) syntax_error(opened_at, "Missing end of comment tag");
    const char sign = close > at_ ? sign_at(close - 1) : char{0};
    advance(after_end(close + 2, sign));
  }

  void lex_raw(int opened_at) {
    if (at_ == source_.size()) return;  // as for comments
    for (std::size_t i = source_.find("{%", at_); i != std::string::npos; i = source_.find("{%", i + 2)) {
      const char sign = sign_at(i + 2);
      const std::size_t word = spaces(i + 2 + (sign != 0 ? 1 : 0));
      if (!starts(word, "endraw")) continue;
      std::size_t end = spaces(word + 6);
      const char end_sign = sign_at(end);
      if (end_sign != 0) ++end;
      if (!starts(end, "%}")) continue;
      push_data(i, sign, LineStart::strips_blanks);
      advance(after_end(end + 2, end_sign));
      return;
    }
    syntax_error(opened_at, "Missing end of raw directive");
  }

  // True where the tag ends here; moves behind it.
  bool end_of_tag(Tag tag) {
    if (!open_brackets_.empty()) return false;
    const std::string_view close = tag == Tag::block ? "%}" : "}}";
    char sign = sign_at(at_);
    if (sign == '+' && tag == Tag::print) sign = 0;
    const std::size_t at = at_ + (sign != 0 ? 1 : 0);
    if (!starts(at, close)) return false;
    push(tag == Tag::block ? Token::Kind::block_end : Token::Kind::print_end, "");
    const std::size_t end = at + 2;
    advance(tag == Tag::block || sign == '-' ? after_end(end, sign) : end);
    return true;
  }

  void lex_tag(Tag tag) {
    push(tag == Tag::block ? Token::Kind::block_begin : Token::Kind::print_begin, "");
    while (at_ < source_.size()) {
      if (end_of_tag(tag)) return;
      if (const std::size_t end = spaces(at_); end > at_) {
        advance(end);
      } else {
        lex_token();
      }
    }
  }

  void lex_token() {
    const auto c = static_cast<unsigned char>(source_[at_]);
    if (c == '\'' || c == '"') return lex_text();
    if (c >= '0' && c <= '9') return lex_number();
    if (is_identifier_start(decode_utf8(source_, at_).code_point)) return lex_name();
    lex_operator();
  }

  void lex_text() {
    const std::size_t end = end_of_text_literal(source_, at_);
    if (end == std::string::npos) syntax_error(line_, "a text that begins here has no closing quote");
    push(Token::Kind::text, "");
    tokens_.back().spelling = unescaped(std::string_view(source_).substr(at_ + 1, end - at_ - 2), line_);
    advance(end);
  }

  void lex_number() {
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const NumberLiteral literal =
        read_number(rest(at_), after_dot ? Fraction::refused : Fraction::allowed, line_);
    push(literal.integer ? Token::Kind::integer : Token::Kind::number, source_.substr(at_, literal.length));
    if (literal.integer) {
      tokens_.back().integer = *literal.integer;
    } else {
      tokens_.back().number = literal.number;
    }
    advance(at_ + literal.length);
  }

  void lex_name() {
    std::size_t end = at_;
    while (end < source_.size()) {
      const Utf8Char c = decode_utf8(source_, end);
      if (!is_identifier_part(c.code_point)) break;
      end += c.length;
    }
    push(Token::Kind::name, source_.substr(at_, end - at_));
    advance(end);
  }

  void lex_operator() {
    constexpr std::array<std::string_view, 6> kTwo = {"//", "**", "==", "!=", ">=", "<="};
    constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
    const std::string_view two = rest(at_).substr(0, 2);
    const bool is_two = std::find(kTwo.begin(), kTwo.end(), two) != kTwo.end();
    if (!is_two && kOne.find(source_[at_]) == std::string_view::npos) {
      syntax_error(line_, fmt::format("unexpected character {}",
                                      in_quotes(rest(at_).substr(0, decode_utf8(source_, at_).length))));
    }
    const std::string op = source_.substr(at_, is_two ? 2 : 1);
    if (op == "(") open_brackets_ += ')';
    if (op == "[") open_brackets_ += ']';
    if (op == "{") open_brackets_ += '}';
    if (op == ")" || op == "]" || op == "}") close_bracket(op[0]);
    push(Token::Kind::op, op);
    advance(at_ + op.size());
  }

  void close_bracket(char bracket) {
    if (open_brackets_.empty()) syntax_error(line_, fmt::format("unexpected '{}'", bracket));
    if (open_brackets_.back() != bracket) {
      syntax_error(line_, fmt::format("unexpected '{}', expected '{}'", bracket, open_brackets_.back()));
    }
    open_brackets_.pop_back();
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // what was consumed last ended with a newline
  std::string open_brackets_;
  std::vector<Token> tokens_;
};

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::data:
      return "template text";
    case Token::Kind::block_begin:
      return "begin of statement block";
    case Token::Kind::block_end:
      return "end of statement block";
    case Token::Kind::print_begin:
      return "begin of print statement";
    case Token::Kind::print_end:
      return "end of print statement";
    case Token::Kind::end:
      return "end of template";
    case Token::Kind::text:
      return "a text";
    default:
      return in_quotes(token.spelling, 40);
  }
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

void syntax_error(int line, std::string_view message) {
  fail(ErrorKind::bad_input, "line {}: {}", line, message);
}

}  // namespace nestor::chat
