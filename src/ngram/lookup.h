// What the embeddings of one forward pass look up: its tokens, and their rows in n-gram tables. Several
// embeddings of a model may hash alike; their rows are computed once.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "hash/ngram_hash.h"

namespace nestor::ngram {

/// Not thread-safe.
class Lookup {
 public:
  /// Forgets all tokens, and keeps the memory.
  void clear();

  /// The tokens history[first..] come next. `history` must outlive this and not change.
  void add(std::span<const TokenId> history, std::size_t first);

  /// The tokens of all rows, as rows of a word table.
  std::span<const std::int64_t> words() const { return words_; }

  /// Rows of the tables that `hash` is for: [T][tables]. To be asked for when all tokens are there; hashes
  /// are told apart by their address.
  std::span<const std::int64_t> rows(const hash::NgramHash& hash);

 private:
  struct Part {
    std::span<const TokenId> history;
    std::size_t first;
  };

  std::vector<Part> parts_;
  std::vector<std::int64_t> words_;
  std::map<const hash::NgramHash*, std::vector<std::int64_t>> rows_;  // empty: not computed
};

}  // namespace nestor::ngram
