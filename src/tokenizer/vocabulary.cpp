#include "tokenizer/vocabulary.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::tokenizer {

Vocabulary::Vocabulary(std::vector<VocabularyEntry> entries, std::string_view what)
    : entries_(std::move(entries)) {
  const auto by_id = [](const VocabularyEntry& a, const VocabularyEntry& b) { return a.id < b.id; };
  std::stable_sort(entries_.begin(), entries_.end(), by_id);
  const auto same = std::adjacent_find(entries_.begin(), entries_.end(),
                                       [](const auto& a, const auto& b) { return a.id == b.id; });
  if (same != entries_.end()) {
    fail(ErrorKind::bad_input, "{}: the tokens {} and {} share the id {}; each token needs its own", what,
         in_quotes(same->content), in_quotes((same + 1)->content), same->id);
  }
  by_content_.reserve(entries_.size());
  for (const VocabularyEntry& entry : entries_) {
    if (!by_content_.emplace(entry.content, entry.id).second) {
      fail(ErrorKind::bad_input, "{}: the token {} is listed twice", what, in_quotes(entry.content));
    }
  }
}

const VocabularyEntry* Vocabulary::find(TokenId id) const {
  if (id < 0 || entries_.empty()) return nullptr;
  // Without holes the entry stands at its id; with holes it can only stand earlier.
  const auto end = entries_.begin() +
                   static_cast<std::ptrdiff_t>(std::min(static_cast<std::size_t>(id) + 1, entries_.size()));
  if ((end - 1)->id == id) return &*(end - 1);
  const auto at = std::lower_bound(entries_.begin(), end, id,
                                   [](const VocabularyEntry& e, TokenId wanted) { return e.id < wanted; });
  return at != end && at->id == id ? &*at : nullptr;
}

std::optional<TokenId> Vocabulary::id_of(std::string_view content) const {
  const auto at = by_content_.find(content);
  return at == by_content_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace nestor::tokenizer
