#include "chat/syntax/escape.h"

namespace nestor::chat {
namespace {

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&#34;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

Text html_escaped(const Text& text) {
  if (text.escaped() == Escaped::yes) return text;
  std::string out;
  for (const char c : text.bytes()) {
    if (const std::string_view replacement = entity(c); !replacement.empty()) {
      out += replacement;
    } else {
      out += c;
    }
  }
  return Text(std::move(out), text.origin(), Escaped::yes);
}

}  // namespace nestor::chat
