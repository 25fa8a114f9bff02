// Deterministic shuffled batches of token windows. The whole stream is a pure function of (corpus, seed, window,
// batch number): the position is one integer, so a snapshot stores it and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/token_id.h"
#include "corpus/shards.h"

namespace nestor::corpus {

/// B rows of T tokens, row-major. Windows are cut from the stream of shuffled documents, so that a row may hold
/// the end of one document and the start of others.
struct Batch {
  std::int64_t rows = 0, window = 0;
  std::vector<TokenId> ids;            // [B, T]
  std::vector<TokenId> targets;        // [B, T] the next token; -1 where there is none to score
  std::vector<TokenId> second_targets; // [B, T] the token after that, for the draft; -1 where it is none
  std::vector<std::int32_t> segments;  // [B, T] number of the document within the row, from 0
  std::vector<std::int32_t> positions; // [B, T] from 0 within the segment
};

struct LoaderOptions {
  std::int64_t window = 512, rows = 8;
  std::uint64_t seed = 1;
};

class Loader {
 public:
  /// The corpus must outlive the loader. Error(bad_input) if it holds less than one window.
  Loader(const Shards& shards, const LoaderOptions& options);
  ~Loader();

  std::int64_t batches_per_epoch() const;
  /// Batch `number` of the endless stream; epochs are shuffled anew.
  Batch batch(std::int64_t number) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
