#include "base/error.h"

#include "base/printable.h"
#include "base/utf8.h"

namespace nestor {
namespace {

// One character, escaped if it is a control character (terminals obey those of C1 as well) or not valid.
void append_printable(std::string& out, std::string_view text, std::size_t at, const Utf8Char& c) {
  const bool control = c.code_point < 0x20 || (c.code_point >= 0x7f && c.code_point < 0xa0);
  if (c.valid && !control) {
    out.append(text, at, c.length);
    return;
  }
  for (const char byte : text.substr(at, c.length)) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
}

}  // namespace

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

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    append_printable(out, text, i, c);
    i += c.length;
  }
  return out;
}

std::string printable_ends(std::string_view text, std::size_t most) {
  if (text.size() <= most) return printable(text);
  const std::size_t end = most / 3;
  return printable(text.substr(0, most - end)) + " ... " + printable(text.substr(text.size() - end));
}

std::string in_quotes(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  bool cut = false;
  for (std::size_t i = 0; i < text.size() && !cut;) {
    const Utf8Char c = decode_utf8(text, i);
    if (out.size() > limit) {
      cut = true;
    } else {
      if (c.code_point == '"' || c.code_point == '\\') out += '\\';
      append_printable(out, text, i, c);
    }
    i += c.length;
  }
  return out + (cut ? "...\"" : "\"");
}

}  // namespace nestor
