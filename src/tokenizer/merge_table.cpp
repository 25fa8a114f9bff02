#include "tokenizer/merge_table.h"

#include <bit>

namespace nestor::tokenizer {

MergeTable::MergeTable(const std::vector<MergeRule>& rules) {
  // At most half full, and never full: a search ends at an empty slot.
  const std::size_t size = std::bit_ceil(2 * rules.size() + 2);
  slots_.resize(size);
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  for (std::size_t rank = 0; rank < rules.size(); ++rank) {
    const std::uint64_t key = key_of(rules[rank].left, rules[rank].right);
    std::size_t i = slot_of(key);
    while (slots_[i].merge.rank != kNoRank && slots_[i].key != key) i = (i + 1) & mask_;
    slots_[i] = {key, {static_cast<std::uint32_t>(rank), rules[rank].merged}};
  }
}

}  // namespace nestor::tokenizer
