#include "decode/generate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"

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

}  // namespace

void generate(lm::LanguageModel& model, std::span<Turn> turns, const GenerateOptions& options,
              const OnToken& on_token) {
  check(options);
  const lm::Info& info = model.info();
  for (const Turn& turn : turns) {
    if (!turn.finished()) turn.check_against(info);
  }
  for (Turn& turn : turns) turn.end_at(info.context_limit);

  const std::int64_t at_once = std::min(options.turns_at_once, options.rows_per_forward);
  Step step(model, info.context_limit);
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
    step.clear();
    // Every turn is sure of one row; what is left goes to prompts and drafts, in order.
    std::int64_t spare = options.rows_per_forward - std::ssize(running);
    for (Running& r : running) {
      spare -= step.add(turns[r.turn], r.sequence, std::min(options.prefill_chunk, 1 + spare)) - 1;
    }
    step.forward();
    for (std::size_t i = 0; i < running.size(); ++i) {
      step.take(i, [&on_token, turn = running[i].turn](const Choice& choice) {
        return on_token ? on_token(turn, choice) : Verdict::go_on;
      });
    }
    std::erase_if(running, [&](const Running& r) { return turns[r.turn].finished(); });
  }
}

void generate(lm::LanguageModel& model, Turn& turn, lm::Sequence& sequence, const GenerateOptions& options,
              const OnChoice& on_choice) {
  check(options);
  turn.check_against(model.info());
  turn.end_at(model.info().context_limit);
  Step step(model, model.info().context_limit);
  while (!turn.finished()) {
    if (options.cancel.stop_requested()) return turn.finish(FinishReason::cancelled);
    step.clear();
    step.add(turn, sequence, options.prefill_chunk);
    step.forward();
    step.take(0, on_choice);
  }
}

}  // namespace nestor::decode
