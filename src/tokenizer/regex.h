// Oniguruma behind one class: UTF-8, its own syntax, no options, which is how the reference compiles
// patterns.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tokenizer/control_tokens.h"

namespace nestor::tokenizer {

/// What one search at a time needs. Reused from search to search; one thread at a time.
class RegexScratch {
 public:
  RegexScratch();
  ~RegexScratch();
  RegexScratch(RegexScratch&&) noexcept;
  RegexScratch& operator=(RegexScratch&&) = delete;
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;

 private:
  friend class Regex;
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

/// A compiled pattern. Searching is const and may go on in many threads at once, each with its own scratch.
class Regex {
 public:
  /// Compiles; `where` names the place in messages. Throws Error(unsupported), showing the pattern, if it
  /// does not compile or is longer than 64 KiB.
  Regex(std::string_view pattern, std::string_view where);
  /// A pattern that matches exactly `text`.
  static Regex literal(std::string_view text, std::string_view where);

  /// Calls found(TextSpan) for the matches from left to right: not overlapping, and no empty match right
  /// after a match. An empty text has no matches. Throws Error(limit) when matching takes more backtracking
  /// than any sane pattern needs: about 16 steps for each byte of the text and 16 million on top.
  template <typename Found>
  void for_each_match(std::string_view text, RegexScratch& scratch, Found&& found) const {
    if (text.empty()) return;
    begin(text, scratch);
    std::size_t from = 0;
    std::size_t last_end = kNoMatch;
    TextSpan match;
    while (from <= text.size() && search(text, from, scratch, match)) {
      if (match.begin == match.end && match.end == last_end) {
        from = after_character(text, from);
        continue;
      }
      from = last_end = match.end;
      found(match);
    }
  }

 private:
  static constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);

  static std::size_t after_character(std::string_view text, std::size_t at);
  void begin(std::string_view text, RegexScratch& scratch) const;
  bool search(std::string_view text, std::size_t from, RegexScratch& scratch, TextSpan& match) const;

  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace nestor::tokenizer
