// Tokens that may follow: what is computed in advance, in the same forward pass as the token before them. A
// draft counts only if it is what would have been chosen without it, so no text depends on a drafter.
//
// Threads: one at a time. One object per sequence.
#pragma once

#include <cstdint>
#include <span>

#include "base/token_id.h"

namespace nestor::decode {

class Drafter {
 public:
  Drafter() = default;
  Drafter(const Drafter&) = delete;
  Drafter& operator=(const Drafter&) = delete;
  virtual ~Drafter() = default;

  /// Drafts after this history that are worth a row each. Cheap: it may be asked any number of times, and
  /// fewer may then be asked for.
  virtual std::int64_t wanted(std::span<const TokenId> history) noexcept = 0;

  /// Writes the tokens that may follow the history, the next one first, and returns how many it wrote. What
  /// it throws fails the sequence.
  virtual std::size_t draft(std::span<const TokenId> history, std::span<TokenId> drafts) = 0;
};

}  // namespace nestor::decode
