// A step of running generations: what each of them wants, and drafts after it -> one forward pass -> the next
// tokens. Drafts that are what is chosen anyway are accepted, the others truncated: a generation gets the
// tokens that it would get without drafts, and its sequence holds nothing else. The only place from which
// generations come to a model's forward().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "decode/batch.h"
#include "decode/drafter.h"
#include "decode/sampler.h"
#include "decode/turn.h"
#include "lm/sequence.h"

namespace nestor::decode {

/// Sees a token that was chosen. May be empty.
using OnChoice = std::function<Verdict(const Choice&)>;

/// clear(), add() for each generation, forward(), take() for each. Drafters are asked by forward(), each of
/// them once for all generations that it serves. Memory is kept from one step to the next:
/// a step without drafts, constraints, penalties and log-probabilities allocates nothing once it has seen
/// its largest batch. One thread, which owns the model.
class Step {
 public:
  /// `context_limit`: tokens that a sequence may hold, at most the model's.
  Step(lm::LanguageModel& model, std::int64_t context_limit)
      : batch_(model), vocab_size_(model.info().vocab_size), context_limit_(context_limit), sampler_() {}

  void clear();

  /// Adds at most `most_rows` (> 0) rows of an unfinished turn: tokens of its history after those that the
  /// sequence holds, and room for drafts behind the last of them. Returns how many. Both outlive the step.
  std::int64_t add(Turn& turn, lm::Sequence& sequence, std::int64_t most_rows);

  /// As Batch::forward(); throws what drafters throw, too, and then nothing was computed.
  void forward();

  /// Takes the logits of turn i: its prompt's scores, the next token, and one for each draft that is
  /// accepted, each of them seen by `on_choice` before the next is chosen. Ends the turn with
  /// FinishReason::length where no further token fits. Throws what choosing and `on_choice` throw; what was
  /// chosen before stays.
  void take(std::size_t i, const OnChoice& on_choice);

 private:
  struct Part {
    Turn* turn = nullptr;
    lm::Sequence* sequence = nullptr;
    std::vector<TokenId> ids;
    std::int64_t logits = 0, kept = 0;  // of the ids without drafts
    std::size_t drafts = 0;             // the last of the ids; before forward(), how many there may be
  };

  void draft();
  void choose(const Part& part, const lm::Logits& rows, const OnChoice& on_choice, std::size_t& accepted);

  Batch batch_;
  std::vector<DraftJob> jobs_;
  std::int64_t vocab_size_;
  std::int64_t context_limit_;
  Sampler sampler_;
  std::vector<Part> parts_;  // those of this step, and behind them memory of earlier ones
  std::size_t used_ = 0;
};

}  // namespace nestor::decode
