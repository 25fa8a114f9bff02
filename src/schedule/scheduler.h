// Many requests, one model, without threads: each step() is one forward pass for those whose turn it is.
//
// A request is its turn (decode/turn.h), and a turn is its history. So preemption takes the sequence away and
// nothing else, and a cached prefix is the sequence of an earlier request, forked.
//
// Threads: one, which owns the model. schedule/engine.h makes it serve many.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "decode/speculation.h"
#include "decode/step.h"
#include "lm/sequence.h"
#include "schedule/counters.h"
#include "schedule/entry.h"
#include "schedule/policy.h"
#include "schedule/prefix_index.h"

namespace nestor::schedule {

struct SchedulerOptions {
  std::int64_t rows_per_forward = 256;  // of all requests, more than `running`
  std::int64_t prefill_chunk = 256;     // tokens of one prompt in one forward
  std::int64_t running = 16;            // requests at a time
  std::int64_t patience = 64;           // forwards of waiting that outweigh one step of priority
  std::int64_t parked = 256;            // finished sequences kept for their prefixes; 0 = none
};

/// Throws Error(usage) naming the first option that makes no sense.
void validate(const SchedulerOptions& options);

/// The model's info with the context limit that its memory allows one sequence.
lm::Info info_within_memory(const lm::LanguageModel& model);

class Scheduler {
 public:
  Scheduler(lm::LanguageModel& model, const SchedulerOptions& options);
  /// Cancels what is left.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Puts a request in line; its turn has been checked against info(). One that is finished already, or whose
  /// history is at the context limit, ends at once. Drafts for a turn that wishes some and brings no drafter
  /// of its own.
  void add(std::unique_ptr<Entry> request);
  /// Nothing happens where no request has that id.
  void cancel(RequestId id);
  void cancel_all();
  void fail_all(const Error& error);

  /// One forward pass. Errors of the model, of choosing and of readers end the requests that they concern,
  /// with Outcome::error; the others go on. `placed` is called when places are given and before the forward,
  /// which may take long. False if there is no request.
  bool step(const std::function<void()>& placed = [] {});

  const lm::Info& info() const { return info_; }
  std::int64_t requests() const { return std::ssize(entries_); }
  Snapshot snapshot() const;

 private:
  /// Where the beginning of a waiting request's history can be had.
  struct Source {
    const lm::Sequence* sequence = nullptr;  // none: nowhere
    std::int64_t length = 0;
  };
  struct Line {
    std::vector<Standing> standings;  // by index of entries_, as are the sources
    std::vector<Source> sources;
    std::vector<std::size_t> waiting;  // in line
    std::vector<const Entry*> before;  // who runs, or will before the one that is looked at
  };

  void stand_in_line();
  Source longest_prefix(std::span<const TokenId> history);
  Budget budget() const;
  const Plan& settle();
  void run(std::span<const Plan::Share> shares);
  void take(std::size_t part, Entry& entry);
  void end(Entry& entry, std::optional<Error> error);
  void park(lm::Sequence sequence);
  void remove_ended();

  lm::LanguageModel& model_;
  SchedulerOptions options_;
  lm::Info info_;
  Planner planner_;
  Line line_;  // memory is kept from one step to the next, as in the planner
  decode::Step step_;
  std::shared_ptr<decode::Speculation> speculation_;
  PrefixIndex parked_;
  std::vector<std::unique_ptr<Entry>> entries_;  // by arrival
  Snapshot counters_;
};

}  // namespace nestor::schedule
