// The sequences of finished requests, kept for the prefixes that later requests share with them. Found by
// their token histories, which is all that a prefix is: what the model caches for it follows.
//
// None of them is a prefix of another one, so the longest common prefix with any history is that of a
// neighbour in lexicographic order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <span>

#include "base/token_id.h"
#include "lm/sequence.h"

namespace nestor::schedule {

/// Tokens that two histories have in common at their beginning.
std::int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b);

/// The start of a sequence that a history begins with.
struct Prefix {
  const lm::Sequence* sequence;  // valid until the index changes
  std::int64_t length;
};

class PrefixIndex {
 public:
  /// Keeps a sequence; those that are a prefix of another one are closed. An empty one is not kept.
  void park(lm::Sequence sequence);

  /// The longest prefix of `history` that a parked sequence begins with, if any; makes that one the last to
  /// be dropped.
  std::optional<Prefix> longest_prefix(std::span<const TokenId> history);

  /// Closes the sequence that was not asked for the longest. False if there is none.
  bool drop_oldest();

  std::int64_t size() const { return std::ssize(parked_); }

 private:
  struct Parked {
    lm::Sequence sequence;
    mutable std::uint64_t last_used;
  };
  struct ByHistory {
    using is_transparent = void;
    using Tokens = std::span<const TokenId>;
    bool operator()(const Parked& a, const Parked& b) const { return less(tokens(a), tokens(b)); }
    bool operator()(const Parked& a, Tokens b) const { return less(tokens(a), b); }
    bool operator()(Tokens a, const Parked& b) const { return less(a, tokens(b)); }

    static Tokens tokens(const Parked& p) { return p.sequence.history(); }
    static bool less(Tokens a, Tokens b) { return std::ranges::lexicographical_compare(a, b); }
  };

  std::set<Parked, ByHistory> parked_;
  std::uint64_t clock_ = 0;
};

}  // namespace nestor::schedule
