#include "serve/answer/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "serve/api/error_answer.h"

namespace nestor::serve {
namespace {

std::string event(std::string_view data) { return fmt::format("data: {}\n\n", data); }

}  // namespace

Answers::Answers(std::shared_ptr<Exchange> exchange, schedule::Engine& engine, AnswerFrame frame)
    : exchange_(std::move(exchange)), engine_(engine), frame_(std::move(frame)) {}

void Answers::start(std::vector<schedule::Request> requests, std::int64_t answers_to_a_prompt) {
  {
    const std::lock_guard lock(mutex_);
    left_ = requests.size();
    answers_to_a_prompt_ = static_cast<std::size_t>(answers_to_a_prompt);
  }
  exchange_->on_interruption([weak = weak_from_this()](Interruption why) {
    if (const auto self = weak.lock()) self->interrupt(why);
  });
  try {
    auto ids = engine_.submit(std::move(requests));
    const std::lock_guard lock(mutex_);
    ids_ = std::move(ids);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    state_ = State::closed;
    throw;
  }
  open();
}

void Answers::open() {
  bool cancel = false;
  {
    const std::lock_guard lock(mutex_);
    cancel = interruption_.has_value() || failure_.has_value();
    if (failure_ && state_ != State::closed) {
      state_ = State::closed;
      exchange_->respond(std::move(*failure_));
    }
    if (state_ != State::closed) begin();
  }
  if (cancel) cancel_all();
}

void Answers::begin() {
  state_ = State::open;
  if (frame_.stream) {
    exchange_->begin({.content_type = "text/event-stream; charset=utf-8",
                      .headers = {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}},
                      .body = std::exchange(held_, {})});
  }
  if (left_ == 0) finish();
}

void Answers::chunk(Json choice) {
  const std::lock_guard lock(mutex_);
  Json chunk = frame_.chunk_head;
  chunk["choices"] = Json::array({std::move(choice)});
  if (frame_.include_usage) chunk["usage"] = nullptr;
  if (state_ == State::submitting) held_ += event(to_text(chunk));
  if (state_ == State::open) exchange_->write(event(to_text(chunk)));
}

void Answers::done(std::size_t index, Json choice, const schedule::Outcome& outcome) {
  bool cancel = false;
  {
    const std::lock_guard lock(mutex_);
    --left_;
    if (state_ == State::closed) return;
    const bool first =
        index % answers_to_a_prompt_ == 0;  // further answers to a prompt do not count it again
    if (first) prompt_tokens_ += outcome.prompt_tokens;
    drafts_.drafted += outcome.drafts.drafted;
    drafts_.accepted += outcome.drafts.accepted;
    if (first) cached_tokens_ += outcome.cached_tokens;
    generated_tokens_ += outcome.generated_tokens;
    queued_seconds_ = std::max(queued_seconds_, outcome.queued_seconds);
    if (!first_token_seconds_) first_token_seconds_ = outcome.first_token_seconds;
    if (!frame_.stream) choices_[index] = std::move(choice);
    if (outcome.error) {
      exchange_->note("error", outcome.error->what());
      fail_all(answer_to(*outcome.error));
      cancel = true;
    } else if (outcome.reason == decode::FinishReason::cancelled) {
      const bool late = interruption_ == Interruption::too_late;
      fail_all(late ? error_answer(504, "the time for one request is over") : shutting_down());
      cancel = true;
    } else if (left_ == 0 && state_ == State::open) {
      finish();
    }
  }
  if (cancel) cancel_all();
}

/// Where this throws, the answer is still open and the error its end.
void Answers::finish() {
  note_usage();
  Json last = frame_.stream ? frame_.chunk_head : frame_.head;
  last["choices"] = std::exchange(choices_, Json::array());
  last["usage"] = usage();
  if (!frame_.stream) {
    exchange_->respond({.body = to_text(last)});
  } else {
    if (frame_.include_usage) exchange_->write(event(to_text(last)));
    exchange_->write(event("[DONE]"));
    exchange_->end();
  }
  state_ = State::closed;
}

/// Before the stream began, a failure has a status of its own; after that it is an event.
void Answers::fail_all(HttpResponse answer) {
  if (state_ == State::submitting) {
    if (!failure_) failure_ = std::move(answer);
    return;
  }
  state_ = State::closed;
  note_usage();
  if (!frame_.stream) return exchange_->respond(std::move(answer));
  exchange_->write(event(answer.body));
  exchange_->end();
}

void Answers::interrupt(Interruption why) {
  {
    const std::lock_guard lock(mutex_);
    interruption_ = why;
    if (why == Interruption::client_left) state_ = State::closed;
  }
  cancel_all();
}

void Answers::cancel_all() {
  std::vector<schedule::RequestId> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = ids_;
  }
  for (const auto id : ids) engine_.cancel(id);
}

Json Answers::usage() const {
  return {{"prompt_tokens", prompt_tokens_},
          {"completion_tokens", generated_tokens_},
          {"total_tokens", prompt_tokens_ + generated_tokens_},
          {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}}},
          {"completion_tokens_details",
           {{"accepted_prediction_tokens", drafts_.accepted},
            {"rejected_prediction_tokens", drafts_.drafted - drafts_.accepted}}}};
}

void Answers::note_usage() {
  exchange_->note("prompt_tokens", std::to_string(prompt_tokens_));
  exchange_->note("cached_tokens", std::to_string(cached_tokens_));
  exchange_->note("completion_tokens", std::to_string(generated_tokens_));
  exchange_->note("queued_seconds", fmt::format("{:.4f}", queued_seconds_));
  if (first_token_seconds_)
    exchange_->note("first_token_seconds", fmt::format("{:.4f}", *first_token_seconds_));
}

}  // namespace nestor::serve
