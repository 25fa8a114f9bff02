// Template source -> tokens. Knows the white-space rules of tags: a newline after a block or comment is
// dropped, blanks before one at a line start are dropped, `-` strips a side, `+` keeps it as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/values/value.h"

namespace nestor::chat {

struct Token {
  enum class Kind {
    data,
    block_begin,
    block_end,
    print_begin,
    print_end,
    name,
    text,
    integer,
    number,
    op,
    end
  };
  Kind kind = Kind::end;
  std::string spelling;  // data, names, operators; the content of a text
  Int integer = 0;
  double number = 0;
  int line = 1;

  bool is(Kind k) const { return kind == k; }
  bool is_op(std::string_view op) const { return kind == Kind::op && spelling == op; }
  bool is_name(std::string_view name) const { return kind == Kind::name && spelling == name; }
};

/// How a token is called in messages.
std::string describe(const Token& token);

/// Fails with Error(bad_input) that names the line. The last token is `end`.
std::vector<Token> tokenize(std::string_view source);

/// An Error(bad_input) about the template's text, with its line.
[[noreturn]] void syntax_error(int line, std::string_view message);

}  // namespace nestor::chat
