// A request from its submission to its end: its place in line, its sequence while it runs, and its times.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "lm/sequence.h"
#include "schedule/counters.h"
#include "schedule/policy.h"
#include "schedule/request.h"

namespace nestor::schedule {

using Clock = std::chrono::steady_clock;

class Entry {
 public:
  /// Submitted now. Ids grow in the order of arrival.
  Entry(RequestId id, Request request) : id_(id), request_(std::move(request)) {}

  RequestId id() const { return id_; }
  decode::Turn& turn() { return request_.turn; }
  const decode::Turn& turn() const { return request_.turn; }

  bool running() const { return sequence_.has_value(); }
  lm::Sequence& sequence() { return *sequence_; }
  const lm::Sequence& sequence() const { return *sequence_; }
  /// Tokens that the model holds of it.
  std::int64_t held() const { return running() ? sequence_->length() : 0; }

  /// Runs from now on, with a sequence that holds the beginning of its history.
  void admit(lm::Sequence sequence, Snapshot& counters);
  /// Waits again, with nothing but its history.
  lm::Sequence take_sequence();
  /// A forward went by.
  void pass() { waited_ += running() ? 0 : 1; }

  /// What the policy has to know, apart from a cached prefix, drafts and pages.
  Standing standing() const;

  /// Tells the reader the scored prompt as soon as it is complete, where it was asked for.
  void tell_scores();
  /// Tells the reader a token of the turn.
  decode::Verdict tell(const decode::Choice& choice, Snapshot& counters);

  /// Tells the reader how it ended: the turn is finished, or there is an error.
  void end(std::optional<Error> error, Snapshot& counters);
  bool ended() const { return ended_; }

 private:
  double since_submission(Clock::time_point at) const {
    return std::chrono::duration<double>(at - submitted_).count();
  }
  RequestId id_;
  Request request_;
  Clock::time_point submitted_ = Clock::now();
  std::int64_t waited_ = 0;
  std::optional<lm::Sequence> sequence_;
  std::int64_t cached_tokens_ = 0;
  std::int64_t told_tokens_ = 0;
  bool told_scores_ = false;
  bool ended_ = false;
  std::optional<Clock::time_point> admitted_, first_token_, last_token_;
};

}  // namespace nestor::schedule
