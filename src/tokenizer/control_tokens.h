// Where special tokens that are written in a text count as tokens. A rendered chat prompt names the spans
// that the template wrote, so that a user who types "<|im_start|>" gets ordinary text and cannot forge a
// role.
//
// This governs added tokens with `special: true` only. Added tokens with `special: false` are found
// everywhere.
#pragma once

#include <cstddef>
#include <vector>

#include "base/text_span.h"

namespace nestor::tokenizer {

class ControlTokens {
 public:
  /// Every special token written in the text is found.
  static ControlTokens everywhere();
  /// Special tokens written in the text are ordinary text.
  static ControlTokens nowhere();
  /// A special token is found where all of its content lies inside one of the spans; spans that touch or
  /// overlap count as one. White space that the token takes beside its content (lstrip, rstrip) need not lie
  /// in a span. Throws Error(usage) if a span ends before it begins.
  static ControlTokens within(std::vector<TextSpan> spans);

  /// How a match of a special token lies to the spans.
  enum class Place {
    inside,     // a token
    outside,    // ordinary text, which the match takes up all the same, as the reference does
    straddling  // crosses a boundary of a span: no match at all, so that text outside cannot swallow a token
                // inside
  };
  Place place_of(TextSpan content) const;

  /// The largest end of a span (0 when there is none): what the text must at least hold.
  std::size_t reach() const { return spans_.empty() ? 0 : spans_.back().end; }

  /// Whether the answer depends on the place in the text.
  bool depends_on_place() const { return !spans_.empty(); }

 private:
  bool everywhere_ = false;
  std::vector<TextSpan> spans_;  // ascending, disjoint, not touching, not empty
};

}  // namespace nestor::tokenizer
