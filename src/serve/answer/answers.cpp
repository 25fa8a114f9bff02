#include "serve/answer/answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "serve/api/error_answer.h"

namespace nestor::serve {
namespace {

std::string event(const std::string& json) { return fmt::format("data: {}\n\n", json); }

}  // namespace

Answers::Answers(std::shared_ptr<Exchange> exchange, schedule::Engine& engine, AnswerFrame frame)
    : exchange_(std::move(exchange)), engine_(engine), frame_(std::move(frame)) {}

void Answers::start(std::vector<Ask> asks) {
  {
    const std::lock_guard lock(mutex_);
    left_ = asks.size();
    choices_.resize(asks.size());
    for (const Ask& ask : asks) counts_prompt_.push_back(ask.counts_prompt);
  }
  exchange_->on_interruption([weak = weak_from_this()](Interruption why) {
    if (const auto self = weak.lock()) self->interrupt(why);
  });
  try {
    std::vector<schedule::Order> orders;
    for (Ask& ask : asks) orders.push_back({std::move(ask.request), std::move(ask.reader)});
    auto ids = engine_.submit(std::move(orders));
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

void Answers::chunk(const std::string& choice) {
  const std::lock_guard lock(mutex_);
  send(fmt::format("{{{},\"choices\":[{}]{}}}", frame_.chunk_head, choice,
                   frame_.include_usage ? ",\"usage\":null" : ""));
}

void Answers::done(std::size_t index, std::string choice, const schedule::Outcome& outcome) {
  bool cancel = false;
  {
    const std::lock_guard lock(mutex_);
    --left_;
    if (state_ == State::closed) return;
    if (counts_prompt_[index]) prompt_tokens_ += outcome.prompt_tokens;
    if (counts_prompt_[index]) cached_tokens_ += outcome.cached_tokens;
    generated_tokens_ += outcome.generated_tokens;
    queued_seconds_ = std::max(queued_seconds_, outcome.queued_seconds);
    if (!first_token_seconds_) first_token_seconds_ = outcome.first_token_seconds;
    choices_[index] = std::move(choice);
    if (outcome.error) {
      fail_all(answer_to(*outcome.error));
      cancel = true;
    } else if (outcome.reason == decode::FinishReason::cancelled) {
      const bool late = interruption_ == Interruption::too_late;
      fail_all(late ? error_answer(504, "the time for one request is over")
                    : error_answer(503, "the server is shutting down", {}, {}, 5));
      cancel = true;
    } else if (left_ == 0 && state_ == State::open) {
      finish();
    }
  }
  if (cancel) cancel_all();
}

void Answers::finish() {
  state_ = State::closed;
  note_usage();
  if (!frame_.stream) {
    exchange_->respond(
        {.body = fmt::format("{{{},\"choices\":[{}],{}}}", frame_.head, fmt::join(choices_, ","), usage())});
    return;
  }
  if (frame_.include_usage) {
    exchange_->write(event(fmt::format("{{{},\"choices\":[],{}}}", frame_.chunk_head, usage())));
  }
  exchange_->write(event("[DONE]"));
  exchange_->end();
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

void Answers::send(const std::string& json) {
  if (state_ == State::submitting) held_ += event(json);
  if (state_ == State::open) exchange_->write(event(json));
}

std::string Answers::usage() const {
  return fmt::format(R"("usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},)"
                     R"("prompt_tokens_details":{{"cached_tokens":{}}}}})",
                     prompt_tokens_, generated_tokens_, prompt_tokens_ + generated_tokens_, cached_tokens_);
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
