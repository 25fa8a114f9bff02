// Deterministic shuffled batches of token windows. The whole stream is a pure function of (corpus, seed,
// window, rows, batch number): the position is one integer, so a snapshot stores it and nothing else.
//
// An epoch: the documents in a random order, back to back, cut into windows of T tokens; the windows in a
// random order, so that the rows of a batch are not all of one long document. Every token of an epoch is once
// an input to score from and, unless it begins a document, once a target. What is missing in the last window
// of an epoch is filled with the epoch's first tokens, not scored.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/token_id.h"
#include "corpus/shards.h"

namespace nestor::corpus {

/// B rows of T tokens, row-major. A row may hold the end of one document and the start of others; a document
/// that goes on from another window starts anew, at position 0.
struct Batch {
  std::int64_t rows = 0, window = 0;
  std::vector<TokenId> ids;             // [B, T]
  std::vector<TokenId> targets;         // [B, T] the next token of the same document; -1 where there is none
  std::vector<TokenId> second_targets;  // [B, T] the token after that, for the draft; -1 where there is none
  std::vector<std::int32_t> segments;   // [B, T] number of the document within the row, from 0
  std::vector<std::int32_t> positions;  // [B, T] from 0 within the segment
};

struct LoaderOptions {
  std::int64_t window = 512, rows = 8;
  std::uint64_t seed = 1;
};

/// Const and thread-safe after construction.
class Loader {
 public:
  /// The corpus must outlive the loader. Throws Error: bad_input if it holds no token, usage for a window or
  /// rows below 1 or a batch of more than 2^28 tokens.
  Loader(const Shards& shards, const LoaderOptions& options);
  ~Loader();

  /// Windows of one epoch: ceil(tokens / T).
  std::int64_t windows_per_epoch() const;
  /// Batches that hold one epoch: ceil(windows / B). Batches go on across the end of an epoch: batch n has
  /// the windows n B to n B + B - 1 of the endless stream.
  std::int64_t batches_per_epoch() const;
  /// Batch `number` (from 0) of the endless stream; every epoch is shuffled anew. Remembers the order of two
  /// epochs (8 bytes for each document and window), so that going back and forth between far epochs is slow
  /// but right.
  Batch batch(std::int64_t number) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
