// Random schedules: requests that come and go in any order under any options, compared to each alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector.h"
#include "decode/turn.h"
#include "dice.h"
#include "lm/language_model.h"
#include "schedule/scheduler.h"

namespace nestor::schedule {

/// One that may be asked, and what it is answered alone.
struct Question {
  std::function<decode::Turn()> turn;  // a new one for each time it is asked
  Answer alone;
  decode::FinishReason reason{};
  std::vector<TokenId> text;  // prompt, answer and the token that ended it
};

/// Questions whose prompts share beginnings, with every kind of parameter; answered by `model` one by one,
/// token by token, without a cache.
std::vector<Question> random_questions(Dice& dice, lm::LanguageModel& model, std::int64_t count,
                                       std::int64_t longest_prompt, std::int64_t most_tokens);

/// Options under which everything happens often; `rows` bounds those of a forward.
SchedulerOptions random_options(Dice& dice, std::int64_t rows);

/// Asks some of the questions in a random order, at random times, with random priorities, some with drafts;
/// cancels some, stops others; then expects that each was answered as it is alone, as far as it came. Returns
/// the counters.
Snapshot play(Dice& dice, lm::LanguageModel& model, const SchedulerOptions& options,
              const std::vector<Question>& questions, std::int64_t count);

/// Whether the choices are the same, to the bit, numbers included.
bool same(const decode::Choice& a, const decode::Choice& b);

}  // namespace nestor::schedule
