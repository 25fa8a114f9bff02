#include "hash/ngram_hash.h"

#include <algorithm>

namespace nestor::hash {

NgramHash::NgramHash(const config::NgramSpec& spec, std::vector<TokenId> separators)
    : order_(spec.order), splits_(spec.splits), separators_(std::move(separators)) {
  const auto radix = static_cast<std::uint64_t>(spec.vocab_size);
  for (std::int64_t table = 0; table < spec.tables(); ++table) {
    const auto modulus = static_cast<std::uint64_t>(spec.rows(table));
    moduli_.push_back(modulus);
    std::uint64_t power = 1 % modulus;
    for (std::int64_t k = 1; k < order_; ++k) {
      power = power * (radix % modulus) % modulus;  // both below 2^31
      powers_.push_back(power);
    }
  }
}

bool NgramHash::separates(TokenId id) const {
  return std::find(separators_.begin(), separators_.end(), id) != separators_.end();
}

void NgramHash::rows_at(std::span<const TokenId> history, std::size_t i, std::span<std::int64_t> out) const {
  // Predecessors inside the segment: the walk stops at the start and at the first separator it meets.
  std::size_t reach = 0;
  const auto longest = static_cast<std::size_t>(order_ - 1);
  while (reach < longest && reach < i && !separates(history[i - reach - 1])) ++reach;

  const auto per_table = static_cast<std::size_t>(order_ - 1);
  for (std::size_t table = 0; table < moduli_.size(); ++table) {
    const std::uint64_t modulus = moduli_[table];
    const std::size_t n = 2 + table / static_cast<std::size_t>(splits_);
    std::uint64_t sum = static_cast<std::uint64_t>(history[i]) % modulus;
    for (std::size_t k = 1; k < n && k <= reach; ++k) {
      sum += static_cast<std::uint64_t>(history[i - k]) * powers_[table * per_table + k - 1] % modulus;
    }
    out[table] = static_cast<std::int64_t>(sum % modulus);
  }
}

std::vector<std::int64_t> NgramHash::rows_from(std::span<const TokenId> history, std::size_t first) const {
  std::vector<std::int64_t> rows((history.size() - first) * moduli_.size());
  for (std::size_t i = first; i < history.size(); ++i) {
    rows_at(history, i, std::span(rows).subspan((i - first) * moduli_.size(), moduli_.size()));
  }
  return rows;
}

}  // namespace nestor::hash
