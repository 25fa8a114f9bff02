#include "chat/values/text.h"

#include <algorithm>

namespace nestor::chat {

Text::Text(std::string bytes, Origin origin, Escaped escaped) : bytes_(std::move(bytes)), escaped_(escaped) {
  if (origin == Origin::template_text) add_span({0, bytes_.size()});
}

Origin Text::origin() const {
  if (bytes_.empty()) return Origin::template_text;
  const bool whole = from_template_.size() == 1 && from_template_.front() == TextSpan{0, bytes_.size()};
  return whole ? Origin::template_text : Origin::input;
}

void Text::add_span(TextSpan span) {
  if (span.begin == span.end) return;
  if (!from_template_.empty() && from_template_.back().end == span.begin) {
    from_template_.back().end = span.end;
  } else {
    from_template_.push_back(span);
  }
}

void Text::append(const Text& other) {
  const std::size_t at = bytes_.size();
  for (const TextSpan& span : other.from_template_) add_span({at + span.begin, at + span.end});
  for (const TextSpan& span : other.generation_) generation_.push_back({at + span.begin, at + span.end});
  bytes_ += other.bytes_;
}

void Text::append(std::string_view bytes, Origin origin) {
  if (origin == Origin::template_text) add_span({bytes_.size(), bytes_.size() + bytes.size()});
  bytes_ += bytes;
}

Text Text::slice(std::size_t begin, std::size_t end) const {
  Text out(bytes_.substr(begin, end - begin), Origin::input, escaped_);
  auto first = std::partition_point(from_template_.begin(), from_template_.end(),
                                    [&](const TextSpan& span) { return span.end <= begin; });
  for (; first != from_template_.end() && first->begin < end; ++first) {
    out.add_span({std::max(first->begin, begin) - begin, std::min(first->end, end) - begin});
  }
  for (const TextSpan& span : generation_) {
    if (span.end < begin || span.begin > end) continue;
    out.generation_.push_back({std::max(span.begin, begin) - begin, std::min(span.end, end) - begin});
  }
  return out;
}

Origin both(Origin a, Origin b) {
  return a == Origin::template_text && b == Origin::template_text ? Origin::template_text : Origin::input;
}

namespace {
bool starts_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }
}  // namespace

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::vector<std::size_t> code_point_offsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_code_point(text[i])) offsets.push_back(i);
  }
  offsets.push_back(text.size());
  return offsets;
}

}  // namespace nestor::chat
