#include "tokenizer/stream_decoder.h"

#include "base/utf8.h"

namespace nestor::tokenizer {

std::string StreamDecoder::push(TokenId id) {
  if (control_ == ControlText::skip && tokenizer_.is_special(id)) return "";
  held_back_ += tokenizer_.bytes_of(id);
  const std::size_t certain = held_back_.size() - unfinished_utf8_suffix(held_back_);
  std::string text = sanitized_utf8(std::string_view(held_back_).substr(0, certain));
  held_back_.erase(0, certain);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text = sanitized_utf8(held_back_);
  held_back_.clear();
  return text;
}

}  // namespace nestor::tokenizer
