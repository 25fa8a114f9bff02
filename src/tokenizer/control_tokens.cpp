#include "tokenizer/control_tokens.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::tokenizer {

ControlTokens ControlTokens::everywhere() {
  ControlTokens tokens;
  tokens.everywhere_ = true;
  return tokens;
}

ControlTokens ControlTokens::nowhere() { return {}; }

ControlTokens ControlTokens::within(std::vector<TextSpan> spans) {
  for (const TextSpan& span : spans) {
    if (span.end < span.begin) {
      fail(ErrorKind::usage, "control tokens: the span [{}, {}) ends before it begins", span.begin, span.end);
    }
  }
  std::erase_if(spans, [](const TextSpan& span) { return span.begin == span.end; });
  std::sort(spans.begin(), spans.end(),
            [](const TextSpan& a, const TextSpan& b) { return a.begin < b.begin; });
  ControlTokens tokens;
  for (const TextSpan& span : spans) {
    if (!tokens.spans_.empty() && span.begin <= tokens.spans_.back().end) {
      tokens.spans_.back().end = std::max(tokens.spans_.back().end, span.end);
    } else {
      tokens.spans_.push_back(span);
    }
  }
  return tokens;
}

ControlTokens::Place ControlTokens::place_of(TextSpan content) const {
  if (everywhere_) return Place::inside;
  const auto after = std::upper_bound(spans_.begin(), spans_.end(), content.begin,
                                      [](std::size_t at, const TextSpan& span) { return at < span.end; });
  // `after` is the first span that ends beyond the beginning of the content.
  if (after == spans_.end() || after->begin >= content.end) return Place::outside;
  return after->begin <= content.begin && content.end <= after->end ? Place::inside : Place::straddling;
}

}  // namespace nestor::tokenizer
