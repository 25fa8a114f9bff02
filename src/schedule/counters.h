// What the engine has done and is doing, as plain structs by value.
#pragma once

#include <array>
#include <cstdint>

#include "decode/speculation.h"
#include "lm/language_model.h"

namespace nestor::schedule {

/// Counts of durations by upper bounds, as Prometheus counts them (but not cumulative).
struct Durations {
  static constexpr std::array<double, 16> bounds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
                                                    0.5,   1,     2,     5,    10,   20,   60,  300};  // s

  std::array<std::uint64_t, bounds.size() + 1> counts{};  // the last one: above all bounds
  std::uint64_t count = 0;
  double sum = 0;  // s

  void add(double seconds);
};

/// Totals only grow; the others are as of the last forward, or of the places given for the next one.
struct Snapshot {
  std::int64_t waiting = 0;         // requests without a place, preempted ones included
  std::int64_t waiting_tokens = 0;  // of their prompts
  std::int64_t running = 0;         // requests with a place
  std::int64_t step_prefill_rows = 0;
  std::int64_t step_decode_rows = 0;
  double step_seconds = 0;

  std::int64_t pages = 0;  // there can be; lm::Memory::unlimited: no limit
  std::int64_t pages_in_use = 0;
  std::int64_t page_bytes = 0;
  std::int64_t page_positions = 0;
  std::int64_t parked = 0;  // sequences kept for their prefixes

  std::uint64_t steps = 0;              // forwards
  double busy_seconds = 0;              // in steps
  std::uint64_t prefill_tokens = 0;     // computed, those computed again included
  std::uint64_t decode_tokens = 0;      // computed
  std::uint64_t prompt_tokens = 0;      // of admitted requests
  std::uint64_t prefix_hit_tokens = 0;  // of these, not computed but shared
  std::uint64_t generated_tokens = 0;
  std::uint64_t preemptions = 0;
  std::uint64_t submitted = 0;
  std::uint64_t refused = 0;  // busy
  std::uint64_t finished_stop = 0, finished_length = 0, finished_cancelled = 0, failed = 0;

  lm::Counters model;
  decode::DraftCounters drafts;

  Durations queued;       // from submission to admission
  Durations first_token;  // from submission
  Durations inter_token;  // between tokens of one request
  Durations step;         // one forward and what follows from it
  Durations total;        // from submission to the end
};

}  // namespace nestor::schedule
