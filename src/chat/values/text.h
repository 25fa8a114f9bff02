// Text that remembers where it came from. The template's own characters are marked as such and keep the mark
// while they are cut, joined and passed around, so that a control token in a user's message can be told from
// the same token written by the template.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_span.h"

namespace nestor::chat {

enum class Origin { input, template_text };

/// Whether the text has been HTML-escaped (the filters `e` and `safe`): such text escapes what is added to
/// it.
enum class Escaped { no, yes };

class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, Origin origin = Origin::input, Escaped escaped = Escaped::no);

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  Escaped escaped() const { return escaped_; }
  void set_escaped(Escaped escaped) { escaped_ = escaped; }

  /// What the template wrote: sorted, disjoint, not touching each other, none of them empty.
  const std::vector<TextSpan>& from_template() const { return from_template_; }
  /// What `{% generation %}` blocks produced, in the order of their ends.
  const std::vector<TextSpan>& generation() const { return generation_; }

  /// template_text if every byte was written by the template (also for empty text), else input.
  Origin origin() const;

  void append(const Text& other);
  void append(std::string_view bytes, Origin origin);
  /// Bytes [begin, end) with their marks; requires begin <= end <= size().
  Text slice(std::size_t begin, std::size_t end) const;
  void mark_generation(TextSpan span) { generation_.push_back(span); }

 private:
  void add_span(TextSpan span);

  std::string bytes_;
  std::vector<TextSpan> from_template_;
  std::vector<TextSpan> generation_;
  Escaped escaped_ = Escaped::no;
};

/// Both written by the template, or not.
Origin both(Origin a, Origin b);

/// Number of code points of well-formed UTF-8.
std::size_t code_points(std::string_view text);

/// Byte offset of each code point, and the size of the text as the last element.
std::vector<std::size_t> code_point_offsets(std::string_view text);

}  // namespace nestor::chat
