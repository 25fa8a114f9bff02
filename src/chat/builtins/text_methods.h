// The methods of texts (Python's str).
#pragma once

#include <string_view>

#include "chat/runtime.h"

namespace nestor::chat {

struct TextMethod {
  std::string_view name;
  Value (*body)(Runtime&, const Text& self, const Arguments&);
  /// Whether the result is text made from self, which matters for escaped text.
  enum class Result { text, other } result;
};

/// nullptr where there is none of this name.
const TextMethod* find_text_method(std::string_view name);
Value call_text_method(Runtime& runtime, const TextMethod& method, const Text& self,
                       const Arguments& arguments);

// Shared with the filters.

/// A text changed as a whole: it counts as the template's only if all of the original does.
Value mapped(Runtime& runtime, const Text& text, std::string (*map)(std::string_view));
enum class Sides { both, left, right };
/// Without the characters of `characters` at the ends, or without white space.
Text stripped(const Text& text, Sides sides, const Text* characters);
Text replaced(Runtime& runtime, const Text& text, const Text& old, const Text& with, Int count);
/// The parts of `items` (each must be text) with `separator` between them.
Text joined(Runtime& runtime, const Text& separator, const std::vector<Value>& items);

}  // namespace nestor::chat
