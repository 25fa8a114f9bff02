// Logits that are a hash of the history: a token too many, too few or out of order changes all that follows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/token_id.h"

namespace nestor::testing {

/// The hash of a history and one more token; that of an empty history is 0.
inline std::uint64_t hash_after(std::uint64_t hash, TokenId id) {
  const auto r = philox(hash, static_cast<std::uint64_t>(id), 1);
  return (std::uint64_t{r[0]} << 32) | r[1];
}

/// The logits, within 4 of zero, after a history of that hash.
inline std::vector<float> logits_of_hash(std::uint64_t hash, std::int64_t vocab_size) {
  std::vector<float> row(static_cast<std::size_t>(vocab_size));
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(8 * uniform(hash, i, 2) - 4);
  return row;
}

inline std::vector<float> logits_after(std::span<const TokenId> history, std::int64_t vocab_size) {
  std::uint64_t hash = 0;
  for (const TokenId id : history) hash = hash_after(hash, id);
  return logits_of_hash(hash, vocab_size);
}

}  // namespace nestor::testing
