// A request while the scheduler has it: its turn, its sequence while it runs, and its times.
#pragma once

#include <optional>
#include <utility>

#include "lm/sequence.h"
#include "schedule/counters.h"
#include "schedule/policy.h"
#include "schedule/request.h"
#include "schedule/submission.h"

namespace nestor::schedule {

class Entry {
 public:
  Entry(Submission submission, std::uint64_t arrival)
      : submission_(std::move(submission)), arrival_(arrival) {}

  RequestId id() const { return submission_.id; }
  decode::Turn& turn() { return submission_.request.turn; }
  const decode::Turn& turn() const { return submission_.request.turn; }
  Reader& reader() { return *submission_.reader; }

  bool running() const { return sequence_.has_value(); }
  const lm::Sequence& sequence() const { return *sequence_; }
  /// Tokens that the model holds of it.
  std::int64_t held() const { return running() ? sequence_->length() : 0; }

  /// Runs from now on, with a sequence that holds the beginning of its history.
  void admit(lm::Sequence sequence, Snapshot& counters);
  /// Waits again, with nothing but its history.
  lm::Sequence take_sequence();
  /// A forward went by.
  void pass() { waited_ += running() ? 0 : 1; }

  /// What the policy has to know, apart from a cached prefix and from pages.
  Standing standing() const;

  /// Takes the logits of what the turn wanted and tells the reader.
  void take(std::int64_t position, const lm::Logits& rows, decode::Sampler& sampler, Snapshot& counters);

  /// Tells the reader how it ended: the turn is finished, or there is an error.
  void end(std::optional<Error> error, Snapshot& counters);
  bool ended() const { return ended_; }

 private:
  double since_submission(Clock::time_point at) const {
    return std::chrono::duration<double>(at - submission_.at).count();
  }
  void tell(const decode::Choice& choice, Snapshot& counters);
  void tell_scores();

  Submission submission_;
  std::uint64_t arrival_;
  std::int64_t waited_ = 0;
  std::optional<lm::Sequence> sequence_;
  std::int64_t cached_tokens_ = 0;
  std::int64_t told_tokens_ = 0;
  bool told_scores_ = false;
  bool ended_ = false;
  std::optional<Clock::time_point> admitted_, first_token_, last_token_;
};

}  // namespace nestor::schedule
