// The contract between token ids and logits. No implementation here: model/ has one, tests have toys.
//
// A sequence is its token history and nothing else: whatever a model caches for it is a function of that
// history, so truncate + append is always the same as starting afresh. Several sequences of different lengths
// advance in one forward(), each with the result that it would have alone.
//
// Threads: one thread owns a model and makes all calls.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/token_id.h"

namespace nestor::lm {

enum class SequenceId : std::uint32_t {};

struct Info {
  std::int64_t vocab_size = 0;     // V: ids are 0..V-1, a row of logits has V values
  std::int64_t context_limit = 0;  // tokens that one sequence can hold
  std::vector<TokenId> eos_ids;    // the end-of-sequence ids of the model's own configuration
};

/// What the caches of all sequences take, in pages: equal blocks of consecutive positions of one sequence.
/// Forks share the pages that they have in common; a shared one counts once.
struct Memory {
  static constexpr std::int64_t unlimited = std::int64_t{1} << 40;

  std::int64_t page_positions = 1;
  std::int64_t page_bytes = 0;
  std::int64_t pages = unlimited;  // that there can be
  std::int64_t pages_in_use = 0;
};

/// Rows of embedding tables read so far, by the tier that had them.
struct RowReads {
  std::uint64_t memory = 0;   // the page cache, for tables that lie in files
  std::uint64_t disk = 0;     // was waited for
  std::uint64_t unknown = 0;  // the file system does not tell
};

/// What a model has done so far. Totals only grow.
struct Counters {
  RowReads word_rows;
  RowReads ngram_rows;
};

/// Tokens to append to one sequence. A sequence occurs at most once in a batch.
struct Chunk {
  SequenceId sequence;
  std::span<const TokenId> ids;   // not empty
  std::int64_t logits = 1;        // the last so many of the ids get a row of logits
  std::int64_t drafted_from = 0;  // the last so many of the ids can be drafted after; a model may keep fewer
};

/// A token that is supposed to follow a sequence's history and the tokens supposed since the last forward().
struct Supposed {
  SequenceId sequence;
  TokenId id;
};

/// The logits of one forward(): float32 rows in the order of the chunks and, inside a chunk, of its tokens.
/// Rows belong to the model and are valid until its next forward().
class Logits {
 public:
  Logits() = default;
  Logits(std::span<const float> values, std::int64_t vocab_size) : values_(values), vocab_size_(vocab_size) {}

  std::int64_t rows() const {
    return vocab_size_ == 0 ? 0 : static_cast<std::int64_t>(values_.size()) / vocab_size_;
  }
  std::span<const float> row(std::int64_t i) const {
    return values_.subspan(static_cast<std::size_t>(i * vocab_size_), static_cast<std::size_t>(vocab_size_));
  }
  Logits slice(std::int64_t first, std::int64_t count) const {
    return {values_.subspan(static_cast<std::size_t>(first * vocab_size_),
                            static_cast<std::size_t>(count * vocab_size_)),
            vocab_size_};
  }

 private:
  std::span<const float> values_;
  std::int64_t vocab_size_ = 0;
};

class LanguageModel {
 public:
  LanguageModel() = default;
  LanguageModel(const LanguageModel&) = delete;
  LanguageModel& operator=(const LanguageModel&) = delete;
  virtual ~LanguageModel() = default;

  virtual const Info& info() const = 0;

  /// A new, empty sequence.
  virtual SequenceId open() = 0;
  /// A new sequence that begins with the first `length` tokens of `source`. What is cached for them is
  /// shared.
  virtual SequenceId fork(SequenceId source, std::int64_t length) = 0;
  /// Forgets all tokens from `length` on.
  virtual void truncate(SequenceId sequence, std::int64_t length) = 0;
  virtual void close(SequenceId sequence) = 0;
  /// All tokens of the sequence. Valid until the sequence changes.
  virtual std::span<const TokenId> history(SequenceId sequence) const = 0;

  /// A model that does not count its memory has no limit and uses none.
  virtual Memory memory() const { return {}; }
  virtual Counters counters() const { return {}; }
  /// Pages that appending so many tokens to a sequence would take at most, a shared last page that has to be
  /// copied first included.
  virtual std::int64_t pages_to_append(SequenceId /*sequence*/, std::int64_t /*tokens*/) const { return 0; }

  /// Appends every chunk to its sequence and computes the logits that were asked for. Throws Error(limit) if
  /// a sequence would exceed the context limit or the pages are used up, Error(bad_input) for an id outside
  /// the vocabulary, Error(usage) for more rows of logits than tokens; after an error all sequences are as
  /// they were.
  virtual Logits forward(std::span<const Chunk> batch) = 0;

  /// Whether the model can guess, more cheaply than by forward(), what follows this sequence: it has a draft
  /// block, and the end of the history went through forward() with Chunk::drafted_from.
  virtual bool can_draft(SequenceId /*sequence*/) const { return false; }

  /// Guessed logits after each of these tokens, one row each, in their order; each sequence occurs once, and
  /// can_draft() holds for it. Histories stay as they are. Rows are valid until the next call of draft() or
  /// forward(). What is guessed may depend on which calls came before; forward() never does.
  virtual Logits draft(std::span<const Supposed> tokens);
};

}  // namespace nestor::lm
