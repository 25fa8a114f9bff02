// Learning a tokenizer of the LongCat family from documents: byte-level BPE with the family's control tokens
// and pre-tokenizer, as the texts of tokenizer.json and tokenizer_config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "tokenizer/count_pieces.h"

namespace nestor::tokenizer {

struct LearnOptions {
  /// Tokens in all: control tokens, 256 bytes, and what is learned.
  std::int64_t vocab_size = 0;
  /// A pair that stands in the text less often does not become a token.
  std::int64_t min_count = 2;
  /// Nothing: tokens are numbered as they are learned, frequent ones low. A seed: at random, because n-gram
  /// tables whose row number is near a multiple of V put 2-grams of low ids into few rows (study/LOG.md).
  std::optional<std::uint64_t> id_seed = {};
  /// Control tokens after those of the family, which have the ids 0 to 16.
  std::vector<std::string> more_control_tokens = {};
};

struct LearnedTokenizer {
  std::string json;              // the text of tokenizer.json
  std::int64_t text_bytes = 0;   // of the documents
  std::int64_t text_tokens = 0;  // of the documents, encoded with it
};

/// The tokens and merges that documents ask for. Same documents and options, same result, in any order of
/// the documents.
class TokenizerLearner {
 public:
  /// The largest vocabulary: every id must be a token of some checkpoint's table.
  static constexpr std::int64_t kMaxVocabSize = std::int64_t{1} << 24;

  /// Throws Error(usage): a vocabulary too small for control tokens and bytes or too large, a minimum below
  /// 1, a control token that is empty, no UTF-8, a single byte or one of the others.
  explicit TokenizerLearner(LearnOptions options);

  /// Adds a document. Text that looks like a control token is ordinary text. Throws as PieceCounter::add().
  void add(std::string_view document);

  /// Learns from the documents so far and forgets them. Throws Error: bad_input if the documents hold too few
  /// different words for so many tokens (the message has the number that they allow), cancelled, limit.
  LearnedTokenizer learn(ProgressSink& progress, const std::stop_token& stop);

 private:
  LearnOptions options_;
  std::vector<std::string> control_tokens_;
  PieceCounter pieces_;
  std::int64_t text_bytes_ = 0;
};

}  // namespace nestor::tokenizer
