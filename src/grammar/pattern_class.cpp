#include "grammar/pattern_class.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor::grammar {
namespace {

constexpr std::uint32_t kMax = 0x10FFFF;

CharSet digits() { return CharSet({{'0', '9'}}); }
CharSet word() { return CharSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}); }
// WhiteSpace and LineTerminator of ECMA-262.
CharSet blanks() {
  return CharSet({{9, 13},
                  {' ', ' '},
                  {0xA0, 0xA0},
                  {0x1680, 0x1680},
                  {0x2000, 0x200A},
                  {0x2028, 0x2029},
                  {0x202F, 0x202F},
                  {0x205F, 0x205F},
                  {0x3000, 0x3000},
                  {0xFEFF, 0xFEFF}});
}
CharSet line_ends() { return CharSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}); }

bool is_one(const CharSet& set) {
  return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].second;
}

}  // namespace

CharSet::CharSet(std::vector<Range> ranges) : ranges_(std::move(ranges)) {
  std::sort(ranges_.begin(), ranges_.end());
  std::vector<Range> joined;
  for (const Range& range : ranges_) {
    if (!joined.empty() && range.first <= joined.back().second + 1) {
      joined.back().second = std::max(joined.back().second, range.second);
    } else {
      joined.push_back(range);
    }
  }
  ranges_ = std::move(joined);
}

CharSet CharSet::all() { return CharSet({{0, 0xD7FF}, {0xE000, kMax}}); }

CharSet CharSet::inverted() const {
  std::vector<Range> taken = ranges_;
  taken.emplace_back(0xD800, 0xDFFF);
  std::vector<Range> out;
  std::uint32_t from = 0;
  const CharSet sorted(std::move(taken));
  for (const Range& range : sorted.ranges()) {
    if (from < range.first) out.emplace_back(from, range.first - 1);
    from = range.second + 1;
  }
  if (from <= kMax) out.emplace_back(from, kMax);
  return CharSet(std::move(out));
}

void PatternClassReader::wrong(std::string_view what) const {
  fail(ErrorKind::bad_input, "{}: the pattern {} is wrong at byte {}: {}", where_, in_quotes(text_), at_,
       what);
}

void PatternClassReader::unsupported(std::string_view what) const {
  fail(ErrorKind::unsupported, "{}: the pattern {} has {} at byte {}, which is not supported", where_,
       in_quotes(text_), what, at_);
}

CharSet PatternClassReader::read() {
  switch (text_[at_]) {
    case '.':
      ++at_;
      return line_ends().inverted();
    case '[':
      return read_class();
    case ']':
    case '{':
    case '}':
      wrong("this character has to be written with a backslash");
    default:
      return read_member();
  }
}

CharSet PatternClassReader::read_class() {
  ++at_;
  const bool inverted = at_ < text_.size() && text_[at_] == '^';
  if (inverted) ++at_;
  std::vector<CharSet::Range> ranges;  // joined once, at the end
  while (true) {
    if (at_ >= text_.size()) wrong("a [ without its ]");
    if (text_[at_] == ']') break;
    const CharSet first = read_member();
    const bool range = at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']';
    if (!range) {
      ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
      continue;
    }
    ++at_;
    const CharSet last = read_member();
    if (!is_one(first) || !is_one(last)) wrong("a range from or to a class");
    if (first.ranges()[0].first > last.ranges()[0].first) wrong("a range in the wrong order");
    // Surrogates may lie between.
    ranges.emplace_back(first.ranges()[0].first, last.ranges()[0].first);
  }
  ++at_;
  const CharSet set(std::move(ranges));
  if (inverted) return set.inverted();
  return set.inverted().inverted();
}

CharSet PatternClassReader::read_member() {
  if (text_[at_] == '\\') return read_escape();
  const std::uint32_t c = read_character();
  return CharSet({{c, c}});
}

std::uint32_t PatternClassReader::read_character() {
  const Utf8Char c = decode_utf8(text_, at_);
  at_ += c.length;
  return c.code_point;
}

CharSet PatternClassReader::read_escape() {
  ++at_;
  if (at_ >= text_.size()) wrong("a backslash at its end");
  const char c = text_[at_];
  const auto one = [](std::uint32_t value) { return CharSet({{value, value}}); };
  if (c >= '1' && c <= '9') unsupported("a back reference");
  if (c == 'b' || c == 'B') unsupported("a word boundary");
  if (c == 'p' || c == 'P') unsupported("a property of Unicode");
  if (c == 'k' || c == 'c') unsupported("this escape");
  if (static_cast<unsigned char>(c) >= 0x80) return one(read_character());
  ++at_;
  switch (c) {
    case 'd':
      return digits();
    case 'D':
      return digits().inverted();
    case 'w':
      return word();
    case 'W':
      return word().inverted();
    case 's':
      return blanks();
    case 'S':
      return blanks().inverted();
    case 'n':
      return one('\n');
    case 'r':
      return one('\r');
    case 't':
      return one('\t');
    case 'f':
      return one('\f');
    case 'v':
      return one('\v');
    case '0':
      return one(0);
    case 'x':
      return one(read_hex(2));
    case 'u':
      return one(read_u());
    default:
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) unsupported("this escape");
      return one(static_cast<unsigned char>(c));
  }
}

std::uint32_t PatternClassReader::read_hex(std::size_t digits) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : ' ';
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) wrong("an escape that needs more hexadecimal digits");
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  return value;
}

// \uXXXX, two of them for a character beyond U+FFFF, or \u{X...}.
std::uint32_t PatternClassReader::read_u() {
  if (at_ < text_.size() && text_[at_] == '{') {
    const std::size_t close = text_.find('}', at_);
    if (close == std::string_view::npos || close - at_ < 2 || close - at_ > 7)
      wrong("a \\u{ without its digits");
    ++at_;
    const std::uint32_t value = read_hex(close - at_);
    ++at_;
    if (value > kMax || (value >= 0xD800 && value < 0xE000)) wrong("no character has this number");
    return value;
  }
  const std::uint32_t unit = read_hex(4);
  if (unit < 0xD800 || unit >= 0xE000) return unit;
  if (unit >= 0xDC00 || text_.substr(at_, 2) != "\\u") wrong("half a surrogate pair");
  at_ += 2;
  const std::uint32_t second = read_hex(4);
  if (second < 0xDC00 || second >= 0xE000) wrong("half a surrogate pair");
  return 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
}

}  // namespace nestor::grammar
