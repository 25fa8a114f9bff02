// Generated ids to text as it becomes certain: whole characters only, held back where a stop string may be
// beginning.
#pragma once

#include <string>
#include <vector>

#include "chat/stop_strings.h"
#include "tokenizer/stream_decoder.h"

namespace nestor::app {

class TextStream {
 public:
  TextStream(const tokenizer::Tokenizer& tokenizer, tokenizer::ControlText control,
             const std::vector<std::string>& stops);

  /// The text that this token made certain. After stopped() nothing more comes.
  std::string push(TokenId id);
  /// What was still held back.
  std::string finish();

  /// True once a stop string was met; it and what follows are not part of the text.
  bool stopped() const { return stopped_; }

 private:
  tokenizer::StreamDecoder decoder_;
  chat::StopStrings stops_;
  bool stopped_ = false;
};

}  // namespace nestor::app
