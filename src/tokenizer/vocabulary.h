// All tokens by id and by content: those of the model and the added ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"

namespace nestor::tokenizer {

/// How decoding with ControlText::skip treats a token.
enum class TokenKind { ordinary, special };

struct VocabularyEntry {
  TokenId id;
  std::string content;  // as written in tokenizer.json
  std::string bytes;    // what it adds to a decoded text
  TokenKind kind;
};

/// Const and thread-safe. Memory grows with the number of tokens, not with the largest id.
class Vocabulary {
 public:
  /// Throws Error(bad_input) if two tokens share an id or a content; `what` names the file in messages.
  Vocabulary(std::vector<VocabularyEntry> entries, std::string_view what);
  Vocabulary(Vocabulary&&) noexcept = default;
  Vocabulary& operator=(Vocabulary&&) noexcept = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  /// The entry, or null.
  const VocabularyEntry* find(TokenId id) const;
  std::optional<TokenId> id_of(std::string_view content) const;

  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }
  /// The largest id, or -1 when there are no tokens.
  TokenId max_id() const { return entries_.empty() ? -1 : entries_.back().id; }

 private:
  std::vector<VocabularyEntry> entries_;                      // by ascending id
  std::unordered_map<std::string_view, TokenId> by_content_;  // views into entries_
};

}  // namespace nestor::tokenizer
