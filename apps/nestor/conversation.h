// A conversation with a model: the messages, and one sequence that keeps what earlier turns computed.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "assemble/open.h"
#include "base/json.h"
#include "decode/turn.h"
#include "lm/sequence.h"
#include "tokenizer/tokenizer.h"

namespace nestor::app {

class Conversation {
 public:
  explicit Conversation(assemble::OpenedModel& opened)
      : model_(opened.model()),
        tokenizer_(opened.tokenizer()),
        format_(opened.chat()),
        speculation_(opened.speculation()),
        drafts_(opened.draft_wish()),
        sequence_(model_) {}

  struct Answer {
    std::string text;
    std::int64_t prompt_tokens = 0;  // of the whole rendered conversation
    std::int64_t reused_tokens = 0;  // of these, already computed in earlier turns
    std::int64_t tokens = 0;         // generated
    double prompt_seconds = 0;
    double seconds = 0;  // from the first token to the last
    decode::FinishReason reason = decode::FinishReason::none;
  };

  /// Asks with the messages so far and one more of the user; `on_text` gets the answer as it comes. Both are
  /// kept, the answer as far as it came if `stop` interrupted it. After an Error nothing is kept.
  Answer ask(const std::string& text, const decode::SamplingParams& sampling, const decode::StopRule& rule,
             const std::stop_token& stop, const std::function<void(std::string_view)>& on_text);

  void set_system(const std::string& text);  // empty: none; starts anew
  void reset();
  /// Removes the last question and its answer, and returns the question. Nothing if there is none.
  std::optional<std::string> undo();

  const Json& messages() const { return messages_; }

 private:
  Answer generate(const Json& messages, const decode::SamplingParams& sampling, const decode::StopRule& rule,
                  const std::stop_token& stop, const std::function<void(std::string_view)>& on_text);

  lm::LanguageModel& model_;
  const tokenizer::Tokenizer& tokenizer_;
  const assemble::ChatFormat& format_;
  std::shared_ptr<decode::Speculation> speculation_;
  decode::DraftWish drafts_;
  lm::Sequence sequence_;
  Json messages_ = Json::array();
  std::string system_;
};

}  // namespace nestor::app
