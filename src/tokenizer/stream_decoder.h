// Decoding while tokens arrive. A character may be spread over tokens: its bytes are held back until it is
// complete or can no longer become one, so no piece ever ends inside a character. The pieces and the tail
// together are what Tokenizer::decode makes of all ids.
#pragma once

#include <string>

#include "tokenizer/tokenizer.h"

namespace nestor::tokenizer {

/// One stream, one thread. Each token costs time in proportion to its own length. Refers to the tokenizer.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, ControlText control) : tokenizer_(tokenizer), control_(control) {}

  /// The text that has become certain by this token; often a word, sometimes nothing.
  std::string push(TokenId id);

  /// Ends the stream: U+FFFD if a character was left unfinished, else nothing. The next push() starts a new
  /// stream.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  ControlText control_;
  std::string held_back_;  // at most 3 bytes
};

}  // namespace nestor::tokenizer
