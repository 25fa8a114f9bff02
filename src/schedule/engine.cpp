#include "schedule/engine.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <new>
#include <utility>

namespace nestor::schedule {

Engine::Engine(std::unique_ptr<lm::LanguageModel> model, const EngineOptions& options)
    : model_(std::move(model)), options_(options), info_(info_within_memory(*model_)) {
  validate(options.scheduler);
  if (options.most_waiting <= 0 || options.most_waiting_tokens <= 0) {
    fail(ErrorKind::usage, "most_waiting and most_waiting_tokens must be positive, found {} and {}",
         options.most_waiting, options.most_waiting_tokens);
  }
  thread_ = std::thread([this] { run(); });
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::ending;
  }
  wake_.notify_one();
  thread_.join();
}

std::vector<RequestId> Engine::submit(std::vector<Request> requests) {
  std::int64_t tokens = 0;
  for (const Request& request : requests) {
    check(request);
    tokens += std::ssize(request.turn.history());
  }
  std::vector<RequestId> ids;
  {
    const std::lock_guard lock(mutex_);
    check_place(tokens);
    std::vector<std::unique_ptr<Entry>> entries;
    for (Request& request : requests) {
      ids.push_back(static_cast<RequestId>(++last_id_));
      entries.push_back(std::make_unique<Entry>(ids.back(), std::move(request)));
    }
    submitted_.insert(submitted_.end(), std::move_iterator(entries.begin()),
                      std::move_iterator(entries.end()));
    unfinished_ += std::ssize(requests);
    waiting_ += std::ssize(requests);
    waiting_tokens_ += tokens;
  }
  wake_.notify_one();
  return ids;
}

void Engine::check(const Request& request) const {
  if (!request.reader) fail(ErrorKind::usage, "a request needs a reader");
  const auto tokens = std::ssize(request.turn.history());
  if (tokens > info_.context_limit && tokens <= model_->info().context_limit) {
    fail(ErrorKind::limit,
         "the prompt has {} tokens, but the memory for cached tokens holds {}: shorten the prompt, or give "
         "the cache more memory",
         tokens, info_.context_limit);
  }
  request.turn.check_against(info_);
}

void Engine::check_place(std::int64_t tokens) {
  const auto refuse = [this](Busy::Reason reason, const std::string& why) {
    ++refused_;
    throw Busy(reason, retry_after_seconds(), why);
  };
  if (state_ != State::open) {
    refuse(Busy::Reason::draining, "the engine is shutting down and admits no more requests");
  }
  if (waiting_ >= options_.most_waiting) {
    refuse(Busy::Reason::queue_full,
           fmt::format("{} requests are waiting, the most that may: try again later", waiting_));
  }
  // One alone may be longer than that.
  if (waiting_ > 0 && waiting_tokens_ + tokens > options_.most_waiting_tokens) {
    refuse(Busy::Reason::queue_full,
           fmt::format("{} tokens are waiting, and {} more would be above the limit of {}: try again later",
                       waiting_tokens_, tokens, options_.most_waiting_tokens));
  }
}

/// Until about one place is free: requests take what they took so far on average.
int Engine::retry_after_seconds() const {
  constexpr double longest = 60;
  const Durations& total = snapshot_.total;
  if (total.count == 0) return 1;
  const double mean = total.sum / static_cast<double>(total.count);
  const double seconds = mean / static_cast<double>(options_.scheduler.running);
  return static_cast<int>(std::clamp(std::ceil(seconds), 1.0, longest));
}

void Engine::cancel(RequestId id) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
  }
  wake_.notify_one();
}

void Engine::cancel_all() {
  {
    const std::lock_guard lock(mutex_);
    cancels_all_ = true;
  }
  wake_.notify_one();
}

Snapshot Engine::snapshot() const {
  const std::lock_guard lock(mutex_);
  Snapshot now = snapshot_;
  now.refused = refused_;
  return now;
}

void Engine::stop_admitting() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::open) state_ = State::draining;
}

void Engine::drain() {
  stop_admitting();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return unfinished_ == 0; });
}

void Engine::run() {
  Scheduler scheduler(*model_, options_.scheduler);
  const Error out_of_memory(ErrorKind::busy, "out of memory: try again later");
  publish(scheduler);
  while (true) {
    std::vector<std::unique_ptr<Entry>> submitted;
    std::vector<RequestId> cancelled;
    bool cancels_all = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] {
        return scheduler.requests() > 0 || !submitted_.empty() || !cancelled_.empty() || cancels_all_ ||
               state_ == State::ending;
      });
      submitted.swap(submitted_);
      cancelled.swap(cancelled_);
      cancels_all = std::exchange(cancels_all_, false) || state_ == State::ending;
      if (state_ == State::ending && submitted.empty() && scheduler.requests() == 0) return;
    }
    try {
      for (auto& request : submitted) scheduler.add(std::move(request));
      for (const RequestId id : cancelled) scheduler.cancel(id);
      if (cancels_all) scheduler.cancel_all();
      // Who has a place does not wait: the next one is not refused for it, however long the forward takes.
      scheduler.step([&] { publish(scheduler); });
    } catch (const std::bad_alloc&) {  // for the bookkeeping: nobody's own fault
      scheduler.fail_all(out_of_memory);
    } catch (const std::exception& e) {
      scheduler.fail_all(
          Error(ErrorKind::internal, fmt::format("a step of the engine failed: {}", e.what())));
    }
    publish(scheduler);
  }
}

void Engine::publish(const Scheduler& scheduler) {
  Snapshot now = scheduler.snapshot();
  const std::lock_guard lock(mutex_);
  // Those that were submitted meanwhile are not the scheduler's yet.
  waiting_ = now.waiting + std::ssize(submitted_);
  waiting_tokens_ = now.waiting_tokens;
  for (const auto& request : submitted_) waiting_tokens_ += std::ssize(request->turn().history());
  now.waiting = waiting_;
  now.waiting_tokens = waiting_tokens_;
  unfinished_ = scheduler.requests() + std::ssize(submitted_);
  snapshot_ = now;
  if (unfinished_ == 0) idle_.notify_all();
}

}  // namespace nestor::schedule
