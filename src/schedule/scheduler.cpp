#include "schedule/scheduler.h"

#include <algorithm>
#include <new>
#include <utility>

#include "schedule/current_error.h"

namespace nestor::schedule {
namespace {

// A request waits for another one to compute the prefix that they share if it is longer than this: about what
// one forward computes beside others without taking much longer.
constexpr std::int64_t kWorthWaitingFor = 32;

}  // namespace

void validate(const SchedulerOptions& options) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value <= 0) fail(ErrorKind::usage, "{} must be positive, found {}", name, value);
  };
  positive("prefill_chunk", options.prefill_chunk);
  positive("running", options.running);
  positive("patience", options.patience);
  if (options.parked < 0) fail(ErrorKind::usage, "parked must not be negative, found {}", options.parked);
  if (options.rows_per_forward <= options.running) {
    fail(ErrorKind::usage,
         "rows_per_forward must be more than the {} running requests, so that prompts get on beside them; "
         "found {}",
         options.running, options.rows_per_forward);
  }
}

lm::Info info_within_memory(const lm::LanguageModel& model) {
  lm::Info info = model.info();
  const lm::Memory memory = model.memory();
  info.context_limit = std::min(info.context_limit, memory.pages * memory.page_positions);
  return info;
}

Scheduler::Scheduler(lm::LanguageModel& model, const SchedulerOptions& options)
    : model_(model),
      options_(options),
      info_(info_within_memory(model)),
      step_(model, info_.context_limit),
      speculation_(std::make_shared<decode::Speculation>(model)) {
  validate(options);
}

Scheduler::~Scheduler() { cancel_all(); }

void Scheduler::add(std::unique_ptr<Entry> request) {
  ++counters_.submitted;
  try {
    entries_.push_back(std::move(request));
  } catch (const std::bad_alloc&) {  // which leaves the request with us
    return request->end(current_error(), counters_);
  }
  Entry& entry = *entries_.back();
  if (entry.turn().drafter() == nullptr) entry.turn().draft_with(speculation_, entry.turn().draft_wish());
  entry.turn().end_at(info_.context_limit);
  if (entry.turn().finished()) end(entry, {});
  remove_ended();
}

void Scheduler::cancel(RequestId id) {
  const auto entry = std::ranges::find(entries_, id, &Entry::id);
  if (entry == entries_.end()) return;
  (*entry)->turn().finish(decode::FinishReason::cancelled);
  end(**entry, {});
  remove_ended();
}

void Scheduler::cancel_all() {
  for (const auto& entry : entries_) {
    entry->turn().finish(decode::FinishReason::cancelled);
    end(*entry, {});
  }
  remove_ended();
}

void Scheduler::fail_all(const Error& error) {
  for (const auto& entry : entries_) end(*entry, error);
  remove_ended();
}

bool Scheduler::step(const std::function<void()>& placed) {
  if (entries_.empty()) return false;
  const auto start = Clock::now();
  const Plan& plan = settle();
  placed();

  counters_.step_prefill_rows = counters_.step_decode_rows = 0;
  if (plan.shares.empty()) {
    // Nothing runs, nothing is parked, and the first in line does not fit all the same.
    end(*entries_.front(),
        Error(ErrorKind::limit, "the model has no pages left for a request that runs alone"));
  } else {
    run(plan.shares);
  }
  counters_.prefill_tokens += static_cast<std::uint64_t>(counters_.step_prefill_rows);
  counters_.decode_tokens += static_cast<std::uint64_t>(counters_.step_decode_rows);
  for (const auto& entry : entries_) entry->pass();
  remove_ended();

  counters_.step_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  counters_.busy_seconds += counters_.step_seconds;
  counters_.step.add(counters_.step_seconds);
  ++counters_.steps;
  return true;
}

/// Plans until a plan needs nothing to be given up: cached prefixes go first, then running requests.
const Plan& Scheduler::settle() {
  while (true) {
    stand_in_line();
    const Plan& next = planner_.plan(line_.standings, budget());
    if (next.short_of_pages && parked_.drop_oldest()) continue;
    if (next.preempted) {
      park(entries_[*next.preempted]->take_sequence());  // where there is memory, it goes on from there
      ++counters_.preemptions;
      continue;
    }
    for (const std::size_t i : next.admitted) {
      const Source& source = line_.sources[i];
      entries_[i]->admit(
          source.sequence == nullptr ? lm::Sequence(model_) : source.sequence->fork(source.length),
          counters_);
    }
    return next;
  }
}

void Scheduler::stand_in_line() {
  auto& [standings, sources, waiting, before] = line_;
  standings.clear();
  sources.assign(entries_.size(), {});
  waiting.clear();
  before.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = *entries_[i];
    Standing standing = entry.standing();
    if (entry.running()) standing.wants += entry.turn().drafts_wanted(info_.context_limit);
    standing.first_row_pages = entry.running() ? model_.pages_to_append(entry.sequence().id(), 1) : 1;
    standings.push_back(standing);
    if (entry.running()) before.push_back(&entry);
    if (!entry.running()) waiting.push_back(i);
  }
  std::ranges::sort(waiting, [&](std::size_t a, std::size_t b) {
    return stands_before(line_.standings[a], line_.standings[b], options_.patience);
  });
  const std::int64_t places = options_.running - std::ssize(before);
  if (std::ssize(waiting) > places) waiting.resize(static_cast<std::size_t>(places));
  for (const std::size_t i : waiting) {
    const decode::Turn& turn = entries_[i]->turn();
    const auto sharable = turn.history().first(static_cast<std::size_t>(turn.first_wanted()));
    sources[i] = longest_prefix(sharable);
    Standing& standing = standings[i];
    standing.held = sources[i].length;
    standing.wants -= standing.held;
    for (const Entry* other : before) {
      const std::int64_t common = common_prefix(other->turn().history(), sharable);
      if (common > standing.held + kWorthWaitingFor) standing.phase = Phase::following;
    }
    before.push_back(entries_[i].get());
  }
}

Scheduler::Source Scheduler::longest_prefix(std::span<const TokenId> history) {
  Source best;
  if (const auto parked = parked_.longest_prefix(history)) best = {parked->sequence, parked->length};
  for (const auto& entry : entries_) {
    if (!entry->running()) continue;
    const std::int64_t common = common_prefix(entry->sequence().history(), history);
    if (common > best.length) best = {&entry->sequence(), common};
  }
  return best;
}

Budget Scheduler::budget() const {
  const lm::Memory memory = model_.memory();
  return {.rows = options_.rows_per_forward,
          .chunk = options_.prefill_chunk,
          .running = options_.running,
          .patience = options_.patience,
          .free_pages = memory.pages - memory.pages_in_use,
          .page_positions = memory.page_positions};
}

/// One forward for all. If it fails, each goes alone (a failed forward leaves all sequences as they were), so
/// that only those fail that are to blame.
void Scheduler::run(std::span<const Plan::Share> shares) {
  step_.clear();
  std::int64_t prefill_rows = 0, decode_rows = 0;
  try {
    for (const Plan::Share& share : shares) {
      Entry& entry = *entries_[share.request];
      const bool decodes = entry.standing().phase == Phase::decode;
      (decodes ? decode_rows : prefill_rows) += step_.add(entry.turn(), entry.sequence(), share.rows);
    }
    step_.forward();
  } catch (...) {
    if (shares.size() == 1) return end(*entries_[shares.front().request], current_error());
    for (const Plan::Share& share : shares) run({&share, 1});
    return;
  }
  counters_.step_prefill_rows += prefill_rows;
  counters_.step_decode_rows += decode_rows;
  for (std::size_t i = 0; i < shares.size(); ++i) take(i, *entries_[shares[i].request]);
}

void Scheduler::take(std::size_t part, Entry& entry) {
  try {
    step_.take(part, [&](const decode::Choice& choice) { return entry.tell(choice, counters_); });
    entry.tell_scores();
  } catch (...) {
    return end(entry, current_error());
  }
  if (entry.turn().finished()) end(entry, {});
}

/// Keeps what the model holds of it for the prefixes of later requests, unless something went wrong.
void Scheduler::end(Entry& entry, std::optional<Error> error) {
  if (entry.running()) {
    lm::Sequence sequence = entry.take_sequence();
    if (!error) park(std::move(sequence));
  }
  entry.end(std::move(error), counters_);
}

void Scheduler::park(lm::Sequence sequence) {
  try {
    parked_.park(std::move(sequence));
  } catch (const std::bad_alloc&) {  // it would only have saved work
  }
  while (parked_.size() > options_.parked) parked_.drop_oldest();
}

void Scheduler::remove_ended() {
  std::erase_if(entries_, [](const auto& entry) { return entry->ended(); });
}

Snapshot Scheduler::snapshot() const {
  Snapshot now = counters_;
  for (const auto& entry : entries_) {
    now.running += entry->running() ? 1 : 0;
    now.waiting += entry->running() ? 0 : 1;
    now.waiting_tokens += entry->running() ? 0 : std::ssize(entry->turn().history());
  }
  const lm::Memory memory = model_.memory();
  now.pages = memory.pages;
  now.pages_in_use = memory.pages_in_use;
  now.page_bytes = memory.page_bytes;
  now.page_positions = memory.page_positions;
  now.parked = parked_.size();
  now.model = model_.counters();
  now.drafts = speculation_->counters();
  return now;
}

}  // namespace nestor::schedule
