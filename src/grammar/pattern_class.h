// The single characters of a pattern: literals, escapes, classes, the dot.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace nestor::grammar {

/// A set of characters (never surrogates).
class CharSet {
 public:
  using Range = std::pair<std::uint32_t, std::uint32_t>;  // first, last

  CharSet() = default;
  explicit CharSet(std::vector<Range> ranges);
  static CharSet all();

  /// Ascending, disjoint, not adjacent.
  const std::vector<Range>& ranges() const { return ranges_; }
  CharSet inverted() const;

 private:
  std::vector<Range> ranges_;
};

/// Reads one of them.
class PatternClassReader {
 public:
  /// Byte `at` of the pattern begins it; `where` names the place in messages.
  PatternClassReader(std::string_view pattern, std::size_t at, std::string_view where)
      : text_(pattern), at_(at), where_(where) {}

  /// Throws as pattern_text() does.
  CharSet read();
  std::size_t end() const { return at_; }

 private:
  [[noreturn]] void wrong(std::string_view what) const;
  [[noreturn]] void unsupported(std::string_view what) const;
  CharSet read_class();
  CharSet read_member();
  CharSet read_escape();
  std::uint32_t read_character();
  std::uint32_t read_hex(std::size_t digits);
  std::uint32_t read_u();

  std::string_view text_;
  std::size_t at_;
  std::string_view where_;
};

}  // namespace nestor::grammar
