// Generated ids -> text as it becomes certain: whole characters, without special tokens, held back where a
// stop text may be beginning.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "chat/stop_strings.h"
#include "tokenizer/stream_decoder.h"

namespace nestor::serve {

/// Special tokens that are text all the same, such as the markers of tool calls.
using KeptTokens = std::set<TokenId>;

class TextPipe {
 public:
  struct Options {
    std::vector<std::string> stops = {};
    bool include_stop = false;        // the stop text is part of the text
    bool skip_special_tokens = true;  // but for those in `kept`
    std::shared_ptr<const KeptTokens> kept = {};
  };

  TextPipe(const tokenizer::Tokenizer& tokenizer, const Options& options);

  /// The text that this token made certain. After stopped() nothing more comes.
  std::string push(TokenId id);
  /// What was still held back.
  std::string finish();

  bool stopped() const { return stopped_; }
  /// The stop text that was found.
  const std::string& stop() const { return stop_; }

 private:
  std::string released(chat::StopStrings::Released part);

  const tokenizer::Tokenizer& tokenizer_;
  Options options_;
  tokenizer::StreamDecoder decoder_;
  chat::StopStrings stops_;
  bool stopped_ = false;
  std::string stop_;
};

}  // namespace nestor::serve
