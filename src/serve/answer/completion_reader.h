// One answer of /v1/completions: the tokens of a request as the JSON of a choice.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schedule/request.h"
#include "serve/answer/answers.h"
#include "serve/answer/logprobs.h"
#include "serve/answer/text_pipe.h"

namespace nestor::serve {

class CompletionReader : public schedule::Reader {
 public:
  struct Options {
    std::size_t index = 0;
    TextPipe::Options text;
    std::string echo;  // the text that is repeated before the answer
    bool logprobs = false;
    std::vector<TokenId> eos_ids = {};  // whose end has no reason of its own
  };
  CompletionReader(std::shared_ptr<Answers> answers, const tokenizer::Tokenizer& tokenizer, Options options);

  decode::Verdict token(const decode::Choice& choice) override;
  void prompt_scores(std::span<const decode::Choice> scores) override;
  void finished(const schedule::Outcome& outcome) override;

 private:
  void put(const std::string& piece, bool has_logprobs);
  Json choice(std::string text, Json logprobs, Json finish_reason, Json stop_reason) const;

  std::shared_ptr<Answers> answers_;
  Options options_;
  TextPipe pipe_;
  CompletionLogprobs logprobs_;
  std::string text_;
};

}  // namespace nestor::serve
