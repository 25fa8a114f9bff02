// Regular expressions of JSON Schema (ECMA-262) as automata over characters.
#pragma once

#include <string_view>

#include "grammar/char_dfa.h"

namespace nestor::grammar {

/// The texts in which the pattern is found. Literals, classes, . \d \w \s and their opposites, groups,
/// alternatives, quantifiers, and ^ and $ at the ends of the pattern or of its outermost alternatives. Throws
/// Error(bad_input) for wrong syntax, Error(unsupported) for what is no regular language or not done
/// (look-around, back references, \b, \p), Error(limit) for too large ones; `where` names the place in
/// messages.
CharDfa pattern_text(std::string_view pattern, std::string_view where, Work& work);

}  // namespace nestor::grammar
