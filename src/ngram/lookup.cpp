#include "ngram/lookup.h"

namespace nestor::ngram {

void Lookup::clear() {
  parts_.clear();
  words_.clear();
  for (auto& [hash, rows] : rows_) rows.clear();
}

void Lookup::add(std::span<const TokenId> history, std::size_t first) {
  parts_.push_back({history, first});
  const auto tokens = history.subspan(first);
  words_.insert(words_.end(), tokens.begin(), tokens.end());
}

std::span<const std::int64_t> Lookup::rows(const hash::NgramHash& hash) {
  std::vector<std::int64_t>& rows = rows_[&hash];
  if (!rows.empty()) return rows;
  const auto tables = static_cast<std::size_t>(hash.tables());
  rows.resize(words_.size() * tables);
  auto rest = std::span(rows);
  for (const Part& part : parts_) {
    for (std::size_t i = part.first; i < part.history.size(); ++i) {
      hash.rows_at(part.history, i, rest.first(tables));
      rest = rest.subspan(tables);
    }
  }
  return rows;
}

}  // namespace nestor::ngram
