#include "tokenizer/rewriting.h"

#include <algorithm>

namespace nestor::tokenizer {

RewrittenText::RewrittenText(std::string_view original, std::size_t offset, Origins origins)
    : text_(original), tracked_(origins == Origins::track) {
  if (!tracked_) return;
  origins_.reserve(original.size());
  for (std::size_t i = 0; i < original.size(); ++i) origins_.push_back({offset + i, offset + i + 1});
}

TextSpan RewrittenText::origin_of(TextSpan span) const {
  if (!tracked_ || span.begin >= span.end) return span;
  TextSpan origin = origins_[span.begin];
  for (std::size_t i = span.begin; i < span.end; ++i) {
    origin.begin = std::min(origin.begin, origins_[i].begin);
    origin.end = std::max(origin.end, origins_[i].end);
  }
  return origin;
}

void Rewriting::keep_until(std::size_t end) {
  out_.append(text_.text_, done_, end - done_);
  if (text_.tracked_) {
    const auto first = text_.origins_.begin();
    origins_.insert(origins_.end(), first + static_cast<std::ptrdiff_t>(done_),
                    first + static_cast<std::ptrdiff_t>(end));
  }
  done_ = end;
}

void Rewriting::replace(TextSpan span, std::string_view by) {
  if (!changed_) out_.reserve(text_.text_.size());
  changed_ = true;
  keep_until(span.begin);
  out_ += by;
  if (text_.tracked_) {
    TextSpan origin = text_.origin_of(span);
    if (span.begin == span.end) {
      // Made of nothing: it stands between two bytes.
      const std::size_t at = span.begin < text_.origins_.size() ? text_.origins_[span.begin].begin
                             : text_.origins_.empty()           ? 0
                                                                : text_.origins_.back().end;
      origin = {at, at};
    }
    origins_.insert(origins_.end(), by.size(), origin);
  }
  done_ = span.end;
}

void Rewriting::finish() {
  if (!changed_) return;
  keep_until(text_.text_.size());
  text_.text_ = std::move(out_);
  text_.origins_ = std::move(origins_);
}

}  // namespace nestor::tokenizer
