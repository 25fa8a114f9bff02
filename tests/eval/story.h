// The golden model `story` and its tokenizer.
#pragma once

#include <filesystem>

#include "tokenizer/tokenizer.h"

namespace nestor::eval {

inline std::filesystem::path story_folder() { return NESTOR_STORY; }

inline const tokenizer::Tokenizer& story_tokenizer() {
  static const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(story_folder() / "tokenizer.json");
  return tokenizer;
}

}  // namespace nestor::eval
