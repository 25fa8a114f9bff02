#include "text_stream.h"

namespace nestor::app {

TextStream::TextStream(const tokenizer::Tokenizer& tokenizer, tokenizer::ControlText control,
                       const std::vector<std::string>& stops)
    : decoder_(tokenizer, control), stops_(stops) {}

std::string TextStream::push(TokenId id) {
  auto released = stops_.push(decoder_.push(id));
  stopped_ = released.stopped;
  return std::move(released.text);
}

std::string TextStream::finish() {
  auto released = stops_.push(decoder_.finish());
  stopped_ = stopped_ || released.stopped;
  return released.text + stops_.finish();
}

}  // namespace nestor::app
