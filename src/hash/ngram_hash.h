// Token history -> rows of the n-gram tables (docs/model.md). Integers only, no state: the rows of a position
// are a pure function of the history up to it, so truncation, forks and chunked prefill need nothing from
// here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "config/model_config.h"

namespace nestor::hash {

/// The rules of the LongCat-Flash-Lite family: radix = vocabulary size, a missing predecessor counts as token
/// 0, and every separator ends its segment (it hashes with the tokens before it; nothing after it sees it or
/// them).
class NgramHash {
 public:
  NgramHash(const config::NgramSpec& spec, std::vector<TokenId> separators);

  std::int64_t tables() const { return static_cast<std::int64_t>(moduli_.size()); }

  /// Rows for position i of a history: out[table], order-major. Requires i < history.size(), ids in the
  /// vocabulary.
  void rows_at(std::span<const TokenId> history, std::size_t i, std::span<std::int64_t> out) const;

  /// Rows for all positions from `first` on: [history.size() - first][tables].
  std::vector<std::int64_t> rows_from(std::span<const TokenId> history, std::size_t first) const;

 private:
  bool separates(TokenId id) const;

  std::int64_t order_;                 // N
  std::int64_t splits_;                // K
  std::vector<std::uint64_t> moduli_;  // rows of each table
  std::vector<std::uint64_t> powers_;  // [table][k - 1] = V^k mod M, k = 1..N-1
  std::vector<TokenId> separators_;
};

}  // namespace nestor::hash
