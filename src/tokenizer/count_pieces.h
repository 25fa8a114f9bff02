// Counting the pieces that a pre-tokenizer cuts from many documents, one document at a time. Memory grows
// with the number of distinct pieces, not with the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/learn_bpe.h"
#include "tokenizer/pre_tokenizer.h"

namespace nestor::tokenizer {

class PieceCounter {
 public:
  /// Bytes of distinct pieces that are kept at once. With the bookkeeping of learn_bpe() that is some 30 GB
  /// of memory; ordinary text of 100 GB stays below it.
  static constexpr std::uint64_t kMaxDistinctBytes = std::uint64_t{1} << 30;

  /// The last stage must be a ByteLevel, so that pieces are bytes; Error(usage) if it is not.
  explicit PieceCounter(std::vector<PreTokenizerStage> stages,
                        std::uint64_t max_distinct_bytes = kMaxDistinctBytes);

  /// Counts the pieces of a document. Throws Error: bad_input if it is not valid UTF-8 (the message has the
  /// byte offset), limit if the distinct pieces become too many or a pattern backtracks too much.
  void add(std::string_view document);

  /// Distinct pieces with their counts, ordered by bytes; leaves the counter empty.
  std::vector<CountedPiece> take();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Counts = std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>>;
  class Tally;

  // Stages work inside the pieces of the stage before, so all but the first run once for each distinct piece
  // of the first.
  PreTokenizer first_;
  PreTokenizer rest_;
  PreTokenizer::Scratch scratch_;
  Counts counts_;
  std::uint64_t distinct_bytes_ = 0;
  std::uint64_t max_distinct_bytes_;
};

}  // namespace nestor::tokenizer
