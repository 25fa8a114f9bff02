#include "base/error.h"

#include "base/utf8.h"

namespace nestor {

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::bad_input:
      return "bad input";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::io:
      return "input/output";
    case ErrorKind::limit:
      return "limit";
    case ErrorKind::busy:
      return "busy";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::internal:
      return "internal";
  }
  return "unknown";
}

std::string in_quotes(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  bool cut = false;
  for (std::size_t i = 0; i < text.size() && !cut;) {
    const Utf8Char c = decode_utf8(text, i);
    if (out.size() > limit) {
      cut = true;
    } else if (!c.valid || c.code_point < 0x20 || c.code_point == 0x7f) {
      for (std::size_t j = i; j < i + c.length; ++j) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[j]));
      }
    } else if (c.code_point == '"' || c.code_point == '\\') {
      out += '\\';
      out += static_cast<char>(c.code_point);
    } else {
      out.append(text, i, c.length);
    }
    i += c.length;
  }
  return out + (cut ? "...\"" : "\"");
}

}  // namespace nestor
