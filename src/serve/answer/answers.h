// All answers to one request: gathers what their readers found, or streams it as server-sent events.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "schedule/engine.h"
#include "serve/http/exchange.h"

namespace nestor::serve {

/// The parts of a response that do not depend on what is generated.
struct AnswerFrame {
  Json head;        // the members of a whole response before its choices: id, object, created, model
  Json chunk_head;  // the same of a chunk of a stream
  bool stream = false;
  bool include_usage = false;
};

/// Lives as long as its readers. Any thread may call; the readers call on the engine's.
class Answers : public std::enable_shared_from_this<Answers> {
 public:
  Answers(std::shared_ptr<Exchange> exchange, schedule::Engine& engine, AnswerFrame frame);

  /// Submits the requests of all prompts, so many answers to each in a row: all, or the error passes through.
  void start(std::vector<schedule::Request> requests, std::int64_t answers_to_a_prompt);

  /// A piece of one answer, as a choice. Only where it is streamed.
  void chunk(Json choice);
  /// The end of answer `index`, with the whole choice (null where it is streamed).
  void done(std::size_t index, Json choice, const schedule::Outcome& outcome);

  bool stream() const { return frame_.stream; }

 private:
  void open();
  void begin();
  void finish();
  void fail_all(HttpResponse answer);
  void interrupt(Interruption why);
  void cancel_all();
  Json usage() const;
  void note_usage();

  const std::shared_ptr<Exchange> exchange_;
  schedule::Engine& engine_;
  const AnswerFrame frame_;

  std::mutex mutex_;  // guards what follows
  enum class State { submitting, open, closed } state_ = State::submitting;
  std::string held_;  // events from before all were submitted
  std::optional<HttpResponse> failure_;
  std::optional<Interruption> interruption_;
  std::vector<schedule::RequestId> ids_;
  std::size_t answers_to_a_prompt_ = 1;
  Json choices_ = Json::array();
  std::size_t left_ = 0;
  std::int64_t prompt_tokens_ = 0, cached_tokens_ = 0, generated_tokens_ = 0;
  decode::DraftTally drafts_;
  std::optional<double> first_token_seconds_;
  double queued_seconds_ = 0;
};

}  // namespace nestor::serve
