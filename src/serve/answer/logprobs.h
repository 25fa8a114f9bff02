// Log-probabilities as the two endpoints write them.
#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"
#include "decode/sampler.h"
#include "tokenizer/tokenizer.h"

namespace nestor::serve {

/// A token as text: its bytes where these are text, else "bytes:\xe2\x82" as OpenAI writes them.
std::string token_text(const tokenizer::Tokenizer& tokenizer, TokenId id);

/// The object of /v1/completions, token by token: tokens, token_logprobs, top_logprobs, text_offset.
class CompletionLogprobs {
 public:
  explicit CompletionLogprobs(const tokenizer::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// A token without log-probability (the first of a prompt) has null.
  void add(const decode::Choice& choice);
  /// What was added since the last call. Offsets count characters from the beginning of the text.
  Json take();

 private:
  const tokenizer::Tokenizer& tokenizer_;
  std::size_t offset_ = 0;
  Json tokens_ = Json::array(), logprobs_ = Json::array(), top_ = Json::array(), offsets_ = Json::array();
};

/// The entry of a token in the "content" of /v1/chat/completions.
Json chat_logprob(const tokenizer::Tokenizer& tokenizer, const decode::Choice& choice);

}  // namespace nestor::serve
