// The tokens of a template with a place among them.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "chat/syntax/lexer.h"

namespace nestor::chat {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  int line() const { return current().line; }

  Token take() {
    Token token = current();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool take_op(std::string_view op) { return take_if(current().is_op(op)); }
  bool take_name(std::string_view name) { return take_if(current().is_name(name)); }

  void expect_op(std::string_view op) {
    if (!take_op(op)) unexpected(op);
  }
  void expect_name(std::string_view name) {
    if (!take_name(name)) unexpected(name);
  }
  Token expect(Token::Kind kind, std::string_view what) {
    if (!current().is(kind)) unexpected(what);
    return take();
  }
  std::size_t position() const { return at_; }
  /// Whether a variable `name` is read between two positions, nested blocks included.
  bool mentions(std::string_view name, std::size_t from, std::size_t to) const {
    for (std::size_t i = from; i < to; ++i) {
      const bool is_member = i > 0 && tokens_[i - 1].is_op(".");
      if (tokens_[i].is_name(name) && !is_member && !tokens_[i + 1].is_op("=")) return true;
    }
    return false;
  }
  [[noreturn]] void unexpected(std::string_view wanted) const {
    syntax_error(line(), fmt::format("expected {}, got {}", wanted, describe(current())));
  }

 private:
  bool take_if(bool matches) {
    if (matches) take();
    return matches;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace nestor::chat
