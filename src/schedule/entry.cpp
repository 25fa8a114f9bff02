#include "schedule/entry.h"

#include <algorithm>
#include <exception>
#include <new>

#include "schedule/current_error.h"

namespace nestor::schedule {

Error current_error() {
  try {
    throw;
  } catch (const Error& e) {
    return e;
  } catch (const std::bad_alloc&) {
    return {ErrorKind::busy, "out of memory: try again later"};
  } catch (const std::exception& e) {
    return {ErrorKind::internal, e.what()};
  }
}

namespace {

/// The exception that is being handled. Where even that cannot be told, nobody is left to be told.
void tell_failure(Reader& reader, Outcome outcome) {
  try {
    outcome.reason = decode::FinishReason::none;
    outcome.error = current_error();
    reader.finished(outcome);
  } catch (const std::exception&) {
  }
}

}  // namespace

void Entry::admit(lm::Sequence sequence, Snapshot& counters) {
  sequence_.emplace(std::move(sequence));
  if (admitted_) return;  // what is computed again after a preemption was never saved
  admitted_ = Clock::now();
  cached_tokens_ = std::min(held(), std::ssize(turn().prompt()));
  counters.prompt_tokens += turn().prompt().size();
  counters.prefix_hit_tokens += static_cast<std::uint64_t>(cached_tokens_);
  counters.queued.add(since_submission(*admitted_));
}

lm::Sequence Entry::take_sequence() {
  lm::Sequence sequence = std::move(*sequence_);
  sequence_.reset();
  return sequence;
}

Standing Entry::standing() const {
  Standing s;
  s.priority = request_.priority;
  s.arrival = static_cast<std::uint64_t>(id_);
  s.waited = waited_;
  s.held = held();
  s.wants = std::ssize(turn().history()) - s.held;
  const bool generates = s.wants == 1 && !turn().generated().empty();
  if (running()) s.phase = generates ? Phase::decode : Phase::prefill;
  return s;
}

void Entry::tell_scores() {
  const auto scores = turn().prompt_scores();
  if (told_scores_ || scores.size() != turn().prompt().size()) return;
  told_scores_ = true;
  request_.reader->prompt_scores(scores);
}

decode::Verdict Entry::tell(const decode::Choice& choice, Snapshot& counters) {
  tell_scores();
  const auto now = Clock::now();
  if (first_token_) {
    counters.inter_token.add(std::chrono::duration<double>(now - *last_token_).count());
  } else {
    first_token_ = now;
    counters.first_token.add(since_submission(now));
  }
  last_token_ = now;
  ++told_tokens_;
  ++counters.generated_tokens;
  return request_.reader->token(choice);
}

void Entry::end(std::optional<Error> error, Snapshot& counters) {
  using decode::FinishReason;
  ended_ = true;
  const auto now = Clock::now();
  Outcome outcome;
  outcome.reason = error ? FinishReason::none : turn().finish_reason();
  outcome.error = std::move(error);
  outcome.stop_token = turn().stop_token();
  outcome.prompt_tokens = std::ssize(turn().prompt());
  outcome.cached_tokens = cached_tokens_;
  outcome.generated_tokens = told_tokens_;
  outcome.drafts = turn().draft_tally();
  outcome.queued_seconds = since_submission(admitted_.value_or(now));
  if (first_token_) outcome.first_token_seconds = since_submission(*first_token_);
  outcome.total_seconds = since_submission(now);

  counters.total.add(outcome.total_seconds);
  if (outcome.reason == FinishReason::none) ++counters.failed;
  if (outcome.reason == FinishReason::stop) ++counters.finished_stop;
  if (outcome.reason == FinishReason::length) ++counters.finished_length;
  if (outcome.reason == FinishReason::cancelled) ++counters.finished_cancelled;
  try {
    tell_scores();  // of a prompt of one token nothing had to be computed
    request_.reader->finished(outcome);
  } catch (...) {
    tell_failure(*request_.reader, std::move(outcome));
  }
}

}  // namespace nestor::schedule
