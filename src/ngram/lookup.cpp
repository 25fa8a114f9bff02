#include "ngram/lookup.h"

namespace nestor::ngram {

void Lookup::add(std::span<const TokenId> history, std::size_t first) {
  parts_.push_back({history, first});
  const auto tokens = history.subspan(first);
  words_.insert(words_.end(), tokens.begin(), tokens.end());
}

std::span<const std::int64_t> Lookup::rows(const hash::NgramHash& hash) {
  const auto [found, is_new] = rows_.try_emplace(&hash);
  if (is_new) {
    for (const Part& part : parts_) {
      const std::vector<std::int64_t> rows = hash.rows_from(part.history, part.first);
      found->second.insert(found->second.end(), rows.begin(), rows.end());
    }
  }
  return found->second;
}

}  // namespace nestor::ngram
