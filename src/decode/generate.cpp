#include "decode/generate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lm/sequence.h"

namespace nestor::decode {
namespace {

struct Running {
  std::size_t turn;
  lm::Sequence sequence;
};

void check(const GenerateOptions& options) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value <= 0) fail(ErrorKind::usage, "{} must be positive, found {}", name, value);
  };
  positive("prefill_chunk", options.prefill_chunk);
  positive("rows_per_forward", options.rows_per_forward);
  positive("turns_at_once", options.turns_at_once);
}

bool fits(const Turn& turn, const lm::Info& info) { return std::ssize(turn.history()) <= info.context_limit; }

/// One chunk per running turn. Every turn is sure of one row; what is left goes to prompts, in order.
std::vector<lm::Chunk> next_batch(std::span<const Running> running, std::span<const Turn> turns,
                                  const GenerateOptions& options) {
  std::vector<lm::Chunk> batch;
  std::int64_t spare = options.rows_per_forward - std::ssize(running);
  for (const Running& r : running) {
    const Wants wants = turns[r.turn].wants(r.sequence.length(), std::min(options.prefill_chunk, 1 + spare));
    spare -= std::ssize(wants.ids) - 1;
    batch.push_back({r.sequence.id(), wants.ids, wants.logits});
  }
  return batch;
}

/// Gives every row of logits to the turn that it belongs to.
void take_rows(const lm::Logits& logits, std::span<const lm::Chunk> batch, std::span<const Running> running,
               std::span<Turn> turns, const lm::Info& info, Sampler& sampler, const OnToken& on_token) {
  std::int64_t expected = 0;
  for (const lm::Chunk& chunk : batch) expected += rows_of(chunk);
  if (logits.rows() != expected) {
    fail(ErrorKind::internal, "the model returned {} rows of logits, expected {}", logits.rows(), expected);
  }
  std::int64_t row = 0;
  for (std::size_t i = 0; i < running.size(); ++i) {
    const std::int64_t rows = rows_of(batch[i]);
    if (rows == 0) continue;
    Turn& turn = turns[running[i].turn];
    const auto choice = turn.take(running[i].sequence.length() - rows, logits.slice(row, rows), sampler);
    row += rows;
    if (choice && on_token && on_token(running[i].turn, *choice) == Verdict::stop) {
      turn.finish(FinishReason::stop);
    }
    if (!fits(turn, info)) turn.finish(FinishReason::length);
  }
}

std::vector<Running> without_finished(std::vector<Running> running, std::span<const Turn> turns) {
  std::vector<Running> rest;  // a Sequence can be moved, but not assigned
  for (Running& r : running) {
    if (!turns[r.turn].finished()) rest.push_back(std::move(r));
  }
  return rest;
}

}  // namespace

void generate(lm::LanguageModel& model, std::span<Turn> turns, const GenerateOptions& options,
              const OnToken& on_token) {
  check(options);
  const lm::Info& info = model.info();
  for (const Turn& turn : turns) {
    if (!turn.finished()) turn.check_against(info);
  }
  for (Turn& turn : turns) {
    if (!fits(turn, info)) turn.finish(FinishReason::length);
  }

  const std::int64_t at_once = std::min(options.turns_at_once, options.rows_per_forward);
  Sampler sampler;
  std::vector<Running> running;
  for (std::size_t next = 0;;) {
    for (; next < turns.size() && std::ssize(running) < at_once; ++next) {
      if (!turns[next].finished()) running.push_back({next, lm::Sequence(model)});
    }
    if (running.empty()) return;
    if (options.cancel.stop_requested()) {
      for (Turn& turn : turns) turn.finish(FinishReason::cancelled);
      return;
    }
    const std::vector<lm::Chunk> batch = next_batch(running, turns, options);
    take_rows(model.forward(batch), batch, running, turns, info, sampler, on_token);
    running = without_finished(std::move(running), turns);
  }
}

}  // namespace nestor::decode
