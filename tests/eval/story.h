// The golden model `story` and its tokenizer.
#pragma once

#include "support/paths.h"
#include "tokenizer/tokenizer.h"

namespace nestor::eval {

using testing::story_folder;

inline const tokenizer::Tokenizer& story_tokenizer() {
  static const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(story_folder() / "tokenizer.json");
  return tokenizer;
}

}  // namespace nestor::eval
