#include "chat/values/repr.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/utf8.h"
#include "chat/runtime.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

void append_escaped(std::string& out, CodePoint c) {
  if (c < 0x100) {
    out += fmt::format("\\x{:02x}", c);
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", c);
  } else {
    out += fmt::format("\\U{:08x}", c);
  }
}

class Writer {
 public:
  explicit Writer(Runtime& runtime) : runtime_(runtime) {}

  void write(const Value& value) {
    runtime_.step();
    if (value.text()) {
      const std::string text = quoted_repr(value.text()->bytes());
      out_ += value.text()->escaped() == Escaped::yes ? "Markup(" + text + ")" : text;
    } else if (value.list()) {
      out_ += '[';
      write_items(value.list()->items);
      out_ += ']';
    } else if (value.tuple()) {
      out_ += '(';
      write_items(value.tuple()->items);
      out_ += value.tuple()->items.size() == 1 ? ",)" : ")";
    } else if (value.dict()) {
      write_entries(*value.dict());
    } else {
      out_ += plain(value);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_items(const std::vector<Value>& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ", ";
      write(items[i]);
    }
  }

  void write_entries(const Dict& dict) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, value] : dict.entries()) {
      if (!first) out_ += ", ";
      first = false;
      write(key);
      out_ += ": ";
      write(value);
    }
    out_ += '}';
  }

  std::string plain(const Value& value) {
    if (value.is_undefined()) return "Undefined";
    if (value.is_none()) return "None";
    if (value.boolean()) return *value.boolean() ? "True" : "False";
    if (value.exact_integer()) return decimal(*value.exact_integer());
    if (value.number()) return float_repr(*value.number());
    return value.object()->repr(runtime_);
  }

  Runtime& runtime_;
  std::string out_;
};

}  // namespace

std::string decimal(Int value) {
  __extension__ using Magnitude = unsigned __int128;
  Magnitude rest = value < 0 ? -static_cast<Magnitude>(value) : static_cast<Magnitude>(value);
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (value < 0) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // Shortest digits and exponent from to_chars ("d.ddde+XX"), laid out by Python's rule.
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value),
                                 std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c != '.') digits += c;
  }
  const int exponent = std::atoi(text.data() + e + 1);
  std::string out = std::signbit(value) ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string quoted_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (c.code_point == static_cast<CodePoint>(quote) || c.code_point == '\\') {
      out += '\\';
      out += text[i];
    } else if (c.code_point == '\n') {
      out += "\\n";
    } else if (c.code_point == '\r') {
      out += "\\r";
    } else if (c.code_point == '\t') {
      out += "\\t";
    } else if (!is_printable(c.code_point)) {
      append_escaped(out, c.code_point);
    } else {
      out += text.substr(i, c.length);
    }
    i += c.length;
  }
  return out + quote;
}

std::string repr_of(Runtime& runtime, const Value& value) {
  const Runtime::Depth depth(runtime);
  Writer writer(runtime);
  writer.write(value);
  std::string text = writer.take();
  runtime.build(text.size());
  return text;
}

Text str_of(Runtime& runtime, const Value& value) {
  if (value.text()) return *value.text();
  if (value.is_undefined()) return Text();
  return Text(repr_of(runtime, value));
}

}  // namespace nestor::chat
