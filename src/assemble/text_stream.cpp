#include "assemble/text_stream.h"

#include <fmt/format.h>

namespace nestor::assemble {

TextStream::TextStream(const tokenizer::Tokenizer& tokenizer, tokenizer::ControlText control,
                       const std::vector<std::string>& stops)
    : decoder_(std::in_place, tokenizer, control), stops_(stops) {}

std::string TextStream::push(TokenId id) {
  if (!decoder_) return fmt::format("{}{}", ids_++ == 0 ? "" : " ", id);
  auto released = stops_.push(decoder_->push(id));
  stopped_ = released.stopped;
  return std::move(released.text);
}

std::string TextStream::finish() {
  if (!decoder_) return "";
  auto released = stops_.push(decoder_->finish());
  stopped_ = stopped_ || released.stopped;
  return released.text + stops_.finish();
}

}  // namespace nestor::assemble
