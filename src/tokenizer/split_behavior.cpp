#include "tokenizer/split_behavior.h"

#include <algorithm>

namespace nestor::tokenizer {
namespace {

// Compacts the parts from the front: each either extends the piece before it or starts a new one. The first
// part counts as following a part between delimiters, and starts a piece in any case.
template <typename Extends>
void join_forward(std::vector<Part>& parts, Extends&& extends) {
  std::size_t kept = 0;
  bool previous = false;
  for (const Part part : parts) {
    if (kept > 0 && extends(part.is_delimiter, previous)) {
      parts[kept - 1].span.end = part.span.end;
    } else {
      parts[kept++] = part;
    }
    previous = part.is_delimiter;
  }
  parts.resize(kept);
}

void join_with_next(std::vector<Part>& parts) {
  // The mirror image of merged_with_previous, seen from the end.
  std::size_t kept = parts.size();
  bool previous = false;
  for (std::size_t i = parts.size(); i-- > 0;) {
    const Part part = parts[i];
    if (kept < parts.size() && part.is_delimiter && !previous) {
      parts[kept].span.begin = part.span.begin;
    } else {
      parts[--kept] = part;
    }
    previous = part.is_delimiter;
  }
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(kept));
}

}  // namespace

void join_parts(std::vector<Part>& parts, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::isolated:
      return;
    case SplitBehavior::removed:
      std::erase_if(parts, [](const Part& part) { return part.is_delimiter; });
      return;
    case SplitBehavior::contiguous:
      join_forward(parts, [](bool delimiter, bool previous) { return delimiter == previous; });
      return;
    case SplitBehavior::merged_with_previous:
      join_forward(parts, [](bool delimiter, bool previous) { return delimiter && !previous; });
      return;
    case SplitBehavior::merged_with_next:
      join_with_next(parts);
      return;
  }
}

}  // namespace nestor::tokenizer
