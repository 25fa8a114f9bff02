// Many requests, one model: continuous batching on one thread, which owns the model. Any thread may submit,
// cancel and look at the counters.
//
// Every request gets the tokens that it would get alone, to the bit, as far as the model keeps its contract
// (lm/language_model.h): whatever is batched with it, however its prompt is chunked, whether its prefix comes
// from an earlier request, and however often it is preempted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "lm/language_model.h"
#include "schedule/counters.h"
#include "schedule/request.h"
#include "schedule/scheduler.h"

namespace nestor::schedule {

struct EngineOptions {
  SchedulerOptions scheduler;
  std::int64_t most_waiting = 128;                           // requests without a place
  std::int64_t most_waiting_tokens = std::int64_t{1} << 20;  // of their prompts together
};

/// Error(busy): not now.
class Busy : public Error {
 public:
  enum class Reason {
    queue_full,  // too many wait: HTTP 429
    draining,    // the engine is about to end: HTTP 503
  };
  Busy(Reason reason, int retry_after_seconds, const std::string& message)
      : Error(ErrorKind::busy, message), reason_(reason), retry_after_seconds_(retry_after_seconds) {}

  Reason reason() const { return reason_; }
  int retry_after_seconds() const { return retry_after_seconds_; }

 private:
  Reason reason_;
  int retry_after_seconds_;
};

class Engine {
 public:
  /// Throws Error(usage) for options that make no sense.
  Engine(std::unique_ptr<lm::LanguageModel> model, const EngineOptions& options);
  /// Cancels what is left and waits for its readers to be told. No other call may be going on.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The model's, but context_limit is also what the memory for cached tokens holds.
  const lm::Info& info() const { return info_; }

  /// Puts requests that belong together in line: all of them or none. Their readers may be called before this
  /// returns. Throws what Turn::check_against() throws, Error(limit) for a prompt that the memory can never
  /// hold, and Busy; then no reader is ever called. One free place in line is enough for all: what may wait
  /// alone must not depend on how many it is.
  std::vector<RequestId> submit(std::vector<Request> requests);

  /// The request ends with FinishReason::cancelled after the forward that is running now. Nothing happens
  /// where it has ended already.
  void cancel(RequestId id);
  void cancel_all();

  /// The counters as of the last forward; who waits and who has a place, as of the one that is running.
  Snapshot snapshot() const;

  /// From now on submit() throws Busy.
  void stop_admitting();
  /// stop_admitting(), then waits until all requests have ended.
  void drain();

 private:
  void run();
  void check(const Request& request) const;
  void check_place(std::int64_t tokens);
  int retry_after_seconds() const;
  void publish(const Scheduler& scheduler);

  std::unique_ptr<lm::LanguageModel> model_;
  EngineOptions options_;
  lm::Info info_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<std::unique_ptr<Entry>> submitted_;
  std::vector<RequestId> cancelled_;
  enum class State { open, draining, ending } state_ = State::open;
  bool cancels_all_ = false;
  std::int64_t unfinished_ = 0;
  std::int64_t waiting_ = 0;
  std::int64_t waiting_tokens_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t refused_ = 0;
  Snapshot snapshot_;

  std::thread thread_;
};

}  // namespace nestor::schedule
