// The lines that HTTP messages are made of, and the header fields among them, as strictly as RFC 9112 allows:
// what two readers could understand in two ways is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "serve/http/exchange.h"

namespace nestor::serve {

/// Takes lines out of bytes that come in whatever pieces. Throws MessageError(400) as soon as a byte comes
/// that no line has: a line end that is not CR LF, another control character, and MessageError for lines that
/// are together longer than what is left.
class LineReader {
 public:
  struct Limit {
    std::size_t bytes;  // of all lines together
    int status;         // beyond that
    const char* message;
  };
  explicit LineReader(const Limit& limit) : limit_(limit), left_(limit.bytes) {}

  /// The next line without its end, or nothing before all of it has come. Takes what it used from the front.
  std::optional<std::string> next(std::string_view& bytes);

  /// What of a line has come that has not ended yet.
  std::string_view so_far() const { return line_; }

 private:
  Limit limit_;
  std::size_t left_;
  std::string line_;
};

/// "name: value" as a header; blanks around the value do not belong to it. Throws MessageError(400).
Header read_field(std::string_view line);

/// Letters, digits and some signs: methods and names of fields.
bool is_token(std::string_view text);

/// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace nestor::serve
