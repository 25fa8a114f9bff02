// Which tokens may come next: what constrains a sequence to a language, such as the JSON documents of a
// schema.
//
// Threads: one at a time. One object per sequence.
#pragma once

#include <cstdint>
#include <span>

#include "base/token_id.h"

namespace nestor::decode {

class Constraint {
 public:
  Constraint() = default;
  Constraint(const Constraint&) = delete;
  Constraint& operator=(const Constraint&) = delete;
  virtual ~Constraint() = default;

  /// Sets bit id % 64 of mask[id / 64] for every token that may come next, stop tokens included where the
  /// text may end here. The caller zeroes `mask`, which has a bit for each of the V ids of the vocabulary. At
  /// least one bit is set.
  virtual void allowed(std::span<std::uint64_t> mask) = 0;

  /// `id` was chosen. Throws Error(usage) if it is none of the allowed ones; the constraint is then as it
  /// was. A stop token is accepted like any other; after it only stop tokens are allowed.
  virtual void accept(TokenId id) = 0;

  /// Forgets the last `tokens` accepted ones. Throws Error(usage) if there are fewer.
  virtual void rewind(std::int64_t tokens) = 0;
};

}  // namespace nestor::decode
