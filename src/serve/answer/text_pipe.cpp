#include "serve/answer/text_pipe.h"

namespace nestor::serve {

TextPipe::TextPipe(const tokenizer::Tokenizer& tokenizer, const Options& options)
    : tokenizer_(tokenizer),
      options_(options),
      decoder_(tokenizer, tokenizer::ControlText::keep),
      stops_(options.stops) {}

std::string TextPipe::push(TokenId id) {
  const bool skipped = options_.skip_special_tokens && tokenizer_.is_special(id) &&
                       !(options_.kept && options_.kept->contains(id));
  return skipped ? std::string() : released(stops_.push(decoder_.push(id)));
}

std::string TextPipe::finish() {
  std::string text = released(stops_.push(decoder_.finish()));
  return text + stops_.finish();
}

std::string TextPipe::released(chat::StopStrings::Released part) {
  if (part.stopped && !stopped_) {
    stopped_ = true;
    if (options_.include_stop) part.text += part.stop;
    stop_ = std::move(part.stop);
  }
  return std::move(part.text);
}

}  // namespace nestor::serve
