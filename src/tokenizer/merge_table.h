// (left, right) -> (rank, merged token): the merges of BPE in an open-addressing hash table, which is where
// most of the time of encoding goes.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/token_id.h"

namespace nestor::tokenizer {

/// Two tokens and what they become. Lists of merges are in the order of rank.
struct MergeRule {
  TokenId left;
  TokenId right;
  TokenId merged;
};

class MergeTable {
 public:
  static constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

  struct Merge {
    std::uint32_t rank;  // lower goes first; kNoRank: the pair does not merge
    TokenId merged;
  };

  MergeTable() : MergeTable(std::vector<MergeRule>{}) {}
  /// A pair that is listed twice has the later rank, as in the reference.
  explicit MergeTable(const std::vector<MergeRule>& rules);

  Merge find(TokenId left, TokenId right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = slot_of(key);; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.key == key) return slot.merge;
      if (slot.merge.rank == kNoRank) return slot.merge;
    }
  }

 private:
  struct Slot {
    std::uint64_t key = ~std::uint64_t{0};
    Merge merge = {kNoRank, 0};
  };

  static std::uint64_t key_of(TokenId left, TokenId right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> shift_);
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  int shift_ = 0;
};

}  // namespace nestor::tokenizer
