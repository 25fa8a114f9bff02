// Generated ids to text as it becomes certain: whole characters only, held back where a stop string may be
// beginning.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chat/stop_strings.h"
#include "tokenizer/stream_decoder.h"

namespace nestor::assemble {

class TextStream {
 public:
  /// Refers to the tokenizer. `stops` end the text before themselves.
  TextStream(const tokenizer::Tokenizer& tokenizer, tokenizer::ControlText control,
             const std::vector<std::string>& stops);
  /// For checkpoints without a tokenizer: the text is the ids in decimal, with blanks between.
  static TextStream of_ids() { return {}; }

  /// The text that this token made certain. After stopped() nothing more comes.
  std::string push(TokenId id);
  /// What was still held back.
  std::string finish();

  /// True once a stop string was met; it and what follows are not part of the text.
  bool stopped() const { return stopped_; }

 private:
  TextStream() : stops_({}) {}

  std::optional<tokenizer::StreamDecoder> decoder_;
  chat::StopStrings stops_;
  bool stopped_ = false;
  std::int64_t ids_ = 0;  // pushed without a decoder
};

}  // namespace nestor::assemble
