// A text that normalizers rewrite, and, where asked for, where each of its bytes came from. The origin is
// needed only to tell whether a special token found in normalized text lies in a span that the caller gave
// for the original text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/control_tokens.h"

namespace nestor::tokenizer {

enum class Origins { track, forget };

class RewrittenText {
 public:
  /// Starts as the original, whose first byte is byte `offset` of the caller's text.
  RewrittenText(std::string_view original, std::size_t offset, Origins origins);

  std::string_view text() const { return text_; }

  /// The span of the caller's text that [begin, end) of text() was made from. With Origins::forget: the span
  /// itself.
  TextSpan origin_of(TextSpan span) const;

 private:
  friend class Rewriting;
  std::string text_;
  bool tracked_;
  std::vector<TextSpan> origins_;  // one for each byte of text_, if tracked
};

/// One pass over a text from left to right. Whatever is not replaced is kept.
class Rewriting {
 public:
  explicit Rewriting(RewrittenText& text) : text_(text) {}

  /// Replaces bytes [begin, end) of the text as it was; spans ascend and do not overlap.
  void replace(TextSpan span, std::string_view by);
  /// Puts the result in place of the text.
  void finish();

 private:
  void keep_until(std::size_t end);

  RewrittenText& text_;
  std::string out_;
  std::vector<TextSpan> origins_;
  std::size_t done_ = 0;  // bytes of the old text that are dealt with
  bool changed_ = false;
};

}  // namespace nestor::tokenizer
