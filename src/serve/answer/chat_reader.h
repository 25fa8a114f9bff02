// One answer of /v1/chat/completions: the tokens of a request as the JSON of a choice, with reasoning and
// tool calls apart from the content.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "chat/answer_parser.h"
#include "schedule/request.h"
#include "serve/answer/answers.h"
#include "serve/answer/logprobs.h"
#include "serve/answer/text_pipe.h"

namespace nestor::serve {

class ChatReader : public schedule::Reader {
 public:
  struct Options {
    std::size_t index = 0;
    TextPipe::Options text;
    chat::ToolSet tools;
    chat::AnswerParser::Begins begins = chat::AnswerParser::Begins::in_content;
    bool one_call = false;  // the answer ends with its first tool call
    bool logprobs = false;
    std::vector<TokenId> eos_ids = {};     // whose end has no reason of its own
    std::function<std::string()> call_id;  // makes one
  };
  ChatReader(std::shared_ptr<Answers> answers, const tokenizer::Tokenizer& tokenizer, Options options);

  decode::Verdict token(const decode::Choice& choice) override;
  void finished(const schedule::Outcome& outcome) override;

 private:
  void put(const chat::AnswerEvents& events);
  void stream(Json delta, Json finish_reason, Json stop_reason = nullptr);
  Json delta_of(const chat::AnswerEvent& event);
  Json call(const chat::ToolCall& call);
  Json message();
  Json take_logprobs();

  std::shared_ptr<Answers> answers_;
  const tokenizer::Tokenizer& tokenizer_;
  Options options_;
  TextPipe pipe_;
  chat::AnswerParser parser_;
  bool begun_ = false;
  std::string content_, reasoning_;
  Json calls_ = Json::array();
  std::size_t call_count_ = 0;
  Json logprobs_ = Json::array();
};

}  // namespace nestor::serve
