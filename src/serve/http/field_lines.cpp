#include "serve/http/field_lines.h"

#include <algorithm>
#include <utility>

#include "serve/http/message_error.h"

namespace nestor::serve {
namespace {

bool is_control(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; }

bool is_token_character(char c) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kSigns.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> LineReader::next(std::string_view& bytes) {
  while (!bytes.empty()) {
    if (left_ == 0) throw MessageError(limit_.status, limit_.message);
    --left_;
    const char c = bytes.front();
    bytes.remove_prefix(1);
    const bool ending = !line_.empty() && line_.back() == '\r';
    if (ending != (c == '\n')) throw MessageError(400, "a line does not end with CR LF");
    if (ending) {
      line_.pop_back();
      return std::exchange(line_, {});
    }
    if (is_control(c) && c != '\r') throw MessageError(400, "a control character stands in a line");
    line_ += c;
  }
  return std::nullopt;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

Header read_field(std::string_view line) {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    throw MessageError(400, "a header field is folded: write it on one line");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    throw MessageError(400, "a line of the head is not NAME: VALUE");
  }
  return {std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))};
}

}  // namespace nestor::serve
