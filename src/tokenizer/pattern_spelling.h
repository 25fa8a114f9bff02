// Patterns spelled so that they mean the same in every version of the regex library.
#pragma once

#include <string>
#include <string_view>

namespace nestor::tokenizer {

/// Classes that depend on the library's version get what it may lack: \p{..} and \P{..} of general categories
/// and of Han, \w, \W, \d and \D the characters of Unicode up to 16, and [:punct:] the symbols.
std::string spelled_out(std::string_view pattern);

}  // namespace nestor::tokenizer
