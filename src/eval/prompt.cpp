#include "eval/prompt.h"

#include "base/error.h"

namespace nestor::eval {

std::vector<TokenId> encode_text(const tokenizer::Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, tokenizer::PostProcess::omit, tokenizer::ControlTokens::nowhere());
}

TokenId first_token(const lm::Info& info) {
  if (info.eos_ids.empty()) {
    fail(ErrorKind::unsupported,
         "a question without text needs an end-of-sequence token to follow, but this model has none");
  }
  return info.eos_ids.front();
}

bool keep_last(std::vector<TokenId>& ids, std::int64_t most) {
  const std::int64_t extra = std::ssize(ids) - most;
  if (extra <= 0) return false;
  ids.erase(ids.begin(), ids.begin() + extra);
  return true;
}

}  // namespace nestor::eval
