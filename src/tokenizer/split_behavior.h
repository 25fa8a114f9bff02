// What becomes of the delimiters when a text is split: the five behaviours of the reference.
#pragma once

#include <vector>

#include "tokenizer/control_tokens.h"

namespace nestor::tokenizer {

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// A part of a text that is a delimiter or lies between delimiters.
struct Part {
  TextSpan span;
  bool is_delimiter;
};

/// Turns parts that cover a text in order into the pieces that the behaviour makes of them, in place
/// (`is_delimiter` has no meaning afterwards). Empty parts take part in the joining; empty pieces may remain.
void join_parts(std::vector<Part>& parts, SplitBehavior behavior);

}  // namespace nestor::tokenizer
