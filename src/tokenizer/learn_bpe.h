// Learning the merges of byte-level BPE from counted pieces: again and again the most frequent pair of
// neighbouring tokens becomes a token (Sennrich et al., "Neural Machine Translation of Rare Words with
// Subword Units", 2016). The order is that of Hugging Face's BpeTrainer: the highest count first, and among
// equal counts the pair with the lower ids (left first, then right). Counts are exact at every step; pairs
// that overlap ("aaa" holds the pair (a, a) twice) count as often as they stand there and merge from the
// left.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/progress.h"
#include "tokenizer/merge_table.h"

namespace nestor::tokenizer {

/// A piece that the pre-tokenizer cuts, as bytes of the text, and how often it does.
struct CountedPiece {
  std::string bytes;
  std::int64_t count;
};

struct BpeGoal {
  /// How many tokens there shall be, the 256 bytes included.
  std::size_t tokens;
  /// A pair that stands in the text less often does not merge; at least 1.
  std::int64_t min_count = 1;
  /// Bytes that no token may have: those of control tokens.
  std::unordered_set<std::string> reserved;
};

/// Ids index `tokens`. The first 256 are the bytes in the order of their characters in the byte alphabet
/// (`!` is 0, a blank 220); merge n makes the token 256 + n. All tokens differ: what becomes of a stretch of
/// text that no merge crosses does not depend on what stands around it, so that the same bytes are always
/// made of the same two parts.
struct LearnedBpe {
  std::vector<std::string> tokens;  // as bytes
  std::vector<MergeRule> merges;    // in the order of rank
  std::int64_t text_tokens = 0;     // how many tokens the text has: the pieces by their counts
};

/// Learns until there are `goal.tokens` tokens or no pair is left that may merge. Equal pieces may be listed
/// more than once; their order does not matter. Memory: about 20 bytes for each byte of the pieces. Throws
/// Error: usage if the goal has fewer than 256 tokens or a minimum below 1, limit if the pieces have 4 GiB
/// or their counts exceed 2^62 pairs, cancelled when `stop` asks for it.
LearnedBpe learn_bpe(const std::vector<CountedPiece>& pieces, const BpeGoal& goal, ProgressSink& progress,
                     const std::stop_token& stop);

}  // namespace nestor::tokenizer
