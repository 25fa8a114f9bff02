#include "chat/values/percent_format.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat/values/arithmetic.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

struct Conversion {
  bool left = false, plus = false, space = false, zero = false, alternate = false;
  std::size_t width = 0;
  std::optional<int> precision;
  char type = 0;
};

[[noreturn]] void bad(std::string_view message) { fail(ErrorKind::bad_input, "{}", message); }

std::string in_base(Int magnitude, unsigned base, bool capitals) {
  const char* digits = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  do {
    out += digits[static_cast<std::size_t>(magnitude % base)];
    magnitude /= base;
  } while (magnitude != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

// A number's text in parts, because zeros go between sign and digits.
struct Number {
  std::string sign, prefix, digits;
};

class PercentFormat {
 public:
  PercentFormat(Runtime& runtime, const Text& format, const Value& values)
      : runtime_(runtime), format_(format), source_(format.bytes()), values_(values) {}

  Text run() {
    if (format_.escaped() == Escaped::yes) {
      fail(ErrorKind::unsupported, "the operator % on escaped text is not supported");
    }
    while (at_ < source_.size()) {
      const std::size_t percent = std::min(source_.find('%', at_), source_.size());
      runtime_.append(out_, format_.slice(at_, percent));
      at_ = percent;
      if (at_ < source_.size()) convert();
    }
    // Python counts whatever has members or elements as a mapping here, and a mapping need not be used up.
    const bool mapping = values_.dict() || values_.list() || values_.is_undefined() || values_.as<Range>();
    const std::size_t available = values_.tuple() ? values_.tuple()->items.size() : 1;
    if (used_ < available && !mapping) bad("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  char peek() const {
    if (at_ >= source_.size()) bad("incomplete format");
    return source_[at_];
  }

  void convert() {
    const std::size_t begin = at_++;
    std::optional<Value> named;
    if (peek() == '(') named = named_value();
    const Conversion c = conversion();
    if (c.type == '%') {
      runtime_.append(out_, format_.slice(begin, begin + 1));
      return;
    }
    const Value value = named ? *named : next_value();
    if (c.type == 's' || c.type == 'r' || c.type == 'a') {
      put_text(c, value);
    } else if (c.type == 'c') {
      put_padded(c, Text(character(value)));
    } else {
      put_number(c, number(c, value));
    }
  }

  Value named_value() {
    const std::size_t close = source_.find(')', at_);
    if (close == std::string::npos) bad("incomplete format key");
    if (!values_.dict()) bad("format requires a mapping");
    const std::string key = source_.substr(at_ + 1, close - at_ - 1);
    if (key.find('(') != std::string::npos) fail(ErrorKind::unsupported, "a format key with brackets");
    const Value* value = values_.dict()->find(Text(key));
    if (!value) fail(ErrorKind::bad_input, "the format names the key {}, which is not there", in_quotes(key));
    at_ = close + 1;
    return *value;
  }

  const Value& next_value() {
    const bool single = !values_.tuple();
    if (single ? used_ == 1 : used_ == values_.tuple()->items.size())
      bad("not enough arguments for format string");
    return single ? (++used_, values_) : values_.tuple()->items[used_++];
  }

  int count() {
    if (peek() == '*') {
      ++at_;
      const Value& value = next_value();
      if (!value.exact_integer()) bad("* wants int");
      return bounded(*value.exact_integer());
    }
    Int n = 0;
    while (peek() >= '0' && peek() <= '9') n = bounded(n * 10 + (source_[at_++] - '0'));
    return static_cast<int>(n);
  }

  int bounded(Int n) const {
    constexpr Int kMaxWidth = 1'000'000;
    if (n > kMaxWidth || n < -kMaxWidth)
      fail(ErrorKind::limit, "a width or precision beyond {}", int{kMaxWidth});
    return static_cast<int>(n);
  }

  Conversion conversion() {
    Conversion c;
    for (bool more = true; more;) {
      switch (peek()) {
        case '-':
          c.left = true;
          break;
        case '+':
          c.plus = true;
          break;
        case ' ':
          c.space = true;
          break;
        case '0':
          c.zero = true;
          break;
        case '#':
          c.alternate = true;
          break;
        default:
          more = false;
      }
      if (more) ++at_;
    }
    const int width = count();
    c.left = c.left || width < 0;
    c.width = static_cast<std::size_t>(std::abs(width));
    if (peek() == '.') {
      ++at_;
      c.precision = std::max(count(), 0);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    c.type = source_[at_++];
    if (std::string_view("diusraxXocfFeEgG%").find(c.type) == std::string_view::npos) {
      fail(ErrorKind::bad_input, "unsupported format character {}", in_quotes(std::string(1, c.type)));
    }
    return c;
  }

  std::string character(const Value& value) {
    if (value.text() && code_points(value.text()->bytes()) == 1) return value.text()->bytes();
    const auto code = value.integer();
    if (!code || *code < 0 || *code > 0x10FFFF) bad("%c requires int or char");
    std::string out;
    append_utf8(out, static_cast<std::uint32_t>(*code));
    return out;
  }

  void put_text(const Conversion& c, const Value& value) {
    if (c.type == 'a') fail(ErrorKind::unsupported, "the format %a is not supported");
    Text text = c.type == 's' ? str_of(runtime_, value) : Text(repr_of(runtime_, value));
    text.set_escaped(Escaped::no);
    if (c.precision) {
      const auto offsets = code_point_offsets(text.bytes());
      text = text.slice(0, offsets[std::min(static_cast<std::size_t>(*c.precision), offsets.size() - 1)]);
    }
    put_padded(c, text);
  }

  void put_padded(const Conversion& c, const Text& text) {
    const std::size_t length = code_points(text.bytes());
    const Text padding(std::string(c.width > length ? c.width - length : 0, ' '));
    if (!c.left) runtime_.append(out_, padding);
    runtime_.append(out_, text);
    if (c.left) runtime_.append(out_, padding);
  }

  Number number(const Conversion& c, const Value& value) {
    value.require_defined();
    if (!value.real()) {
      fail(ErrorKind::bad_input, "%{} format: a real number is required, not {}", c.type, value.type_name());
    }
    const bool wants_float = std::string_view("fFeEgG").find(c.type) != std::string_view::npos;
    return wants_float ? float_number(c, *value.real()) : integer_number(c, value);
  }

  static std::string sign_of(const Conversion& c, bool negative) {
    return negative ? "-" : c.plus ? "+" : c.space ? " " : "";
  }

  static Number float_number(const Conversion& c, double value) {
    Number n{sign_of(c, std::signbit(value) && !std::isnan(value)), "", ""};
    const std::string form =
        fmt::format("{{:{}.{}{}}}", c.alternate ? "#" : "", c.precision.value_or(6), c.type);
    n.digits = fmt::format(fmt::runtime(form), std::fabs(value));
    return n;
  }

  static Number integer_number(const Conversion& c, const Value& value) {
    const bool decimal_form = c.type == 'd' || c.type == 'i' || c.type == 'u';
    if (!decimal_form && !value.integer()) {
      fail(ErrorKind::bad_input, "%{} format: an integer is required, not {}", c.type, value.type_name());
    }
    const Int integer = value.integer() ? *value.integer() : truncated(*value.number());
    Number n{sign_of(c, integer < 0), "", ""};
    const unsigned base = decimal_form ? 10 : c.type == 'o' ? 8 : 16;
    n.digits = in_base(integer < 0 ? -integer : integer, base, c.type == 'X');
    if (c.alternate && !decimal_form) n.prefix = std::string("0") + c.type;
    const auto minimum = static_cast<std::size_t>(c.precision.value_or(0));
    if (n.digits.size() < minimum) n.digits.insert(0, minimum - n.digits.size(), '0');
    return n;
  }

  void put_number(const Conversion& c, Number n) {
    const std::size_t length = n.sign.size() + n.prefix.size() + n.digits.size();
    if (c.zero && !c.left && length < c.width) n.digits.insert(0, c.width - length, '0');
    put_padded(c, Text(n.sign + n.prefix + n.digits));
  }

  Runtime& runtime_;
  const Text& format_;
  const std::string& source_;
  const Value& values_;
  Text out_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
};

}  // namespace

Text percent_format(Runtime& runtime, const Text& format, const Value& values) {
  return PercentFormat(runtime, format, values).run();
}

}  // namespace nestor::chat
