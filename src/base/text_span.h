// A byte range of a text.
#pragma once

#include <cstddef>

namespace nestor {

/// Bytes [begin, end).
struct TextSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

}  // namespace nestor
