// Tokens that may follow: what is computed in advance, in the same forward pass as the token before them. A
// draft counts only if it is what would have been chosen without it, so no text depends on a drafter.
//
// Threads: one at a time, that which owns the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "lm/language_model.h"

namespace nestor::decode {

class Turn;

/// A sequence that is drafted after. It holds all of the turn's history but the last token, or, with a prompt
/// that is being computed, less.
struct DraftJob {
  Turn* turn;
  lm::SequenceId sequence;
  std::size_t most;           // drafts, at least 1
  std::vector<TokenId>* ids;  // drafts go behind what is there, the next token first
};

/// How long a step took whose turns all generate.
struct StepTime {
  std::int64_t turns = 0, rows = 0;  // rows: one for each turn, and one for each draft
  double draft_seconds = 0, forward_seconds = 0;
};

class Drafter {
 public:
  Drafter() = default;
  Drafter(const Drafter&) = delete;
  Drafter& operator=(const Drafter&) = delete;
  virtual ~Drafter() = default;

  /// Drafts after this turn that are worth a row each. Cheap: it may be asked any number of times, and fewer
  /// may then be asked for.
  virtual std::int64_t wanted(const Turn& turn) noexcept = 0;

  /// The last rows of a turn's forward that the model should keep for draft(), lm::Chunk::drafted_from.
  virtual std::int64_t rows_to_keep(const Turn& /*turn*/) noexcept { return 0; }

  /// Drafts for several turns. What it throws fails the sequences.
  virtual void draft(std::span<const DraftJob> jobs) = 0;

  /// What became of a turn's drafts: so many of them were right, from the first on.
  virtual void verified(const Turn& /*turn*/, std::int64_t /*drafted*/, std::int64_t /*accepted*/) noexcept {}
  virtual void took(const StepTime& /*time*/) noexcept {}
};

}  // namespace nestor::decode
