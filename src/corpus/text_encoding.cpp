#include "corpus/text_encoding.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor::corpus {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kWideBytes = std::size_t{1} << 16;

std::uint32_t unit_at(std::string_view bytes, std::size_t at, const WideEncoding& e) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < e.unit_bytes; ++i) {
    const std::size_t place = e.big_endian ? i : e.unit_bytes - 1 - i;
    value = value << 8 | static_cast<unsigned char>(bytes[at + place]);
  }
  return value;
}

bool is_high(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

bool is_utf32(std::string_view head, const WideEncoding& e) {
  if (head.size() < kEncodingHead && head.size() % 4 != 0) return false;
  for (std::size_t at = 0; at + 4 <= head.size(); at += 4) {
    const std::uint32_t unit = unit_at(head, at, e);
    if (unit == 0 || unit > 0x10FFFF || (unit >= 0xD800 && unit < 0xE000)) return false;
  }
  return head.size() >= 4;
}

bool is_utf16(std::string_view head, const WideEncoding& e) {
  if (head.size() < kEncodingHead && head.size() % 2 != 0) return false;
  std::size_t narrow = 0, units = 0;  // narrow: with a zero where ASCII has one
  std::size_t round = 0;              // with a zero at the other place, such as U+3000
  bool high = false;
  for (std::size_t at = 0; at + 2 <= head.size(); at += 2, ++units) {
    const std::uint32_t unit = unit_at(head, at, e);
    if (unit == 0 || is_low(unit) != high) return false;
    high = is_high(unit);
    if ((unit & 0xFF) == 0) ++round;
    if (unit < 0x100) ++narrow;
  }
  if (narrow == 0 || round >= narrow || round * 10 > units) return false;
  const auto is_control = [](char c) { return c > 0 && c < 0x20 && (c < '\t' || c > '\r') && c != 0x1B; };
  const auto controls = static_cast<std::size_t>(std::count_if(head.begin(), head.end(), is_control));
  const std::string_view whole = head.substr(0, head.size() - unfinished_utf8_suffix(head));
  return narrow * 10 >= units * 7 || controls * 5 >= units || !is_valid_utf8(whole);
}

}  // namespace

std::optional<WideEncoding> wide_encoding(std::string_view head) {
  head = head.substr(0, kEncodingHead);
  if (head.starts_with("\xFF\xFE\0\0"sv)) return WideEncoding{4, false, 4};
  if (head.starts_with("\0\0\xFE\xFF"sv)) return WideEncoding{4, true, 4};
  if (head.starts_with("\xFF\xFE"sv)) return WideEncoding{2, false, 2};
  if (head.starts_with("\xFE\xFF"sv)) return WideEncoding{2, true, 2};
  if (head.find('\0') == head.npos) return std::nullopt;
  for (const bool big : {false, true}) {
    if (const WideEncoding e{4, big, 0}; is_utf32(head, e)) return e;
  }
  for (const bool big : {false, true}) {
    if (const WideEncoding e{2, big, 0}; is_utf16(head, e)) return e;
  }
  return std::nullopt;
}

std::uint32_t Utf8Stream::unit(std::size_t at) const { return unit_at(wide_, at, encoding_); }

void Utf8Stream::more() {
  const std::size_t have = wide_.size();
  wide_.resize(have + kWideBytes);
  const std::size_t n = from_.read(std::span(wide_).subspan(have));
  wide_.resize(have + n);
  at_end_ = n == 0;
  const std::size_t step = encoding_.unit_bytes;
  std::size_t at = position_ == 0 ? std::min(encoding_.mark_bytes, wide_.size()) : 0;
  text_.clear();
  given_ = 0;
  while (at + step <= wide_.size()) {
    std::uint32_t c = unit(at);
    std::size_t length = step;
    if (step == 2 && is_high(c)) {
      if (at + 4 > wide_.size() && !at_end_) break;
      if (at + 4 <= wide_.size() && is_low(unit(at + 2))) {
        c = 0x10000 + ((c - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
        length = 4;
      }
    }
    if (c > 0x10FFFF || is_high(c) || is_low(c)) {
      fail(ErrorKind::bad_input, "{}: ill-formed UTF-{} at byte {}", name_, 8 * step, position_ + at);
    }
    append_utf8(text_, c);
    at += length;
  }
  wide_.erase(0, at);
  position_ += at;
  if (at_end_ && !wide_.empty()) {
    fail(ErrorKind::bad_input, "{}: the UTF-{} text ends in half a character, at byte {}", name_, 8 * step,
         position_);
  }
}

std::size_t Utf8Stream::read(std::span<char> out) {
  while (given_ == text_.size() && !at_end_) more();
  const std::size_t n = std::min(out.size(), text_.size() - given_);
  std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(given_), n, out.begin());
  given_ += n;
  return n;
}

}  // namespace nestor::corpus
