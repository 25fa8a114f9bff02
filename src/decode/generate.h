// Runs turns to their end: steps in a loop, for programs that need no scheduler.
//
// Continuous batching: every forward() carries one chunk of each running turn, prompts in pieces and
// generated tokens one by one or with drafts; a finished turn leaves and the next one starts. Each turn gets
// the tokens that it would get alone, as far as the model keeps its contract (lm/language_model.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

#include "decode/step.h"
#include "decode/turn.h"
#include "lm/language_model.h"

namespace nestor::decode {

struct GenerateOptions {
  std::int64_t prefill_chunk = 512;      // tokens of one turn in one forward()
  std::int64_t rows_per_forward = 1024;  // tokens of all turns in one forward()
  std::int64_t turns_at_once = 32;       // sequences open at the same time; at most rows_per_forward
  std::stop_token cancel = {};  // asked before every forward(): the unfinished turns end as cancelled
};

/// Sees every generated token, in order within a turn; stop tokens are not generated tokens. May be empty.
using OnToken = std::function<Verdict(std::size_t turn, const Choice&)>;

/// Runs all unfinished turns until they are finished, on the calling thread, which must own the model. A turn
/// whose next token would not fit under the context limit ends with FinishReason::length; the last token
/// needs no room, since it is never appended. Turns that were interrupted go on where they were.
///
/// All turns are checked (Turn::check_against) before anything is computed. Errors of the checks, the model,
/// the choice and the callback pass through: no sequence stays open, and every turn keeps what it has
/// generated.
void generate(lm::LanguageModel& model, std::span<Turn> turns, const GenerateOptions& options,
              const OnToken& on_token);

/// The same for one turn, whose sequence holds at most Turn::first_wanted() tokens of its history and keeps
/// what is computed. Options of several turns do not matter.
void generate(lm::LanguageModel& model, Turn& turn, lm::Sequence& sequence, const GenerateOptions& options,
              const OnChoice& on_choice);

}  // namespace nestor::decode
