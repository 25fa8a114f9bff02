// Text that is not trained on, and how well a model predicts it. Windows of the recipe's length follow each
// other without overlap; each starts at position 0 with empty history and is scored on the tokens one
// further, so that every token but the first is scored once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "corpus/documents.h"
#include "corpus/loader.h"
#include "corpus/shards.h"
#include "tokenizer/tokenizer.h"
#include "train/loop/metrics.h"

namespace nestor::train {

/// One stream of tokens.
struct HeldoutText {
  std::vector<TokenId> ids;
  std::vector<std::int32_t> documents;  // of each token, not decreasing: attention stays inside
  std::vector<std::int64_t> bytes;      // of text that each token stands for
};

/// The documents of a file or folder as corpus::list_sources finds them, a plain text file being one; each
/// encoded in one go without special tokens; conversations become text by their writer, if there is one. At
/// most `most` tokens in all.
HeldoutText heldout_of_text(const std::string& source, const tokenizer::Tokenizer& tokenizer,
                            const corpus::ConversationWriter& conversations, std::int64_t most,
                            const std::stop_token& stop);
/// The first `most` tokens of a split.
HeldoutText heldout_of_shards(const corpus::Shards& shards, const tokenizer::Tokenizer& tokenizer,
                              std::int64_t most);

/// What a model says about one batch: summed negative log-likelihoods and how many tokens they are of.
struct Score {
  double nll = 0, draft_nll = 0;
  std::int64_t scored = 0, draft_scored = 0;
};

/// Goes through the texts in batches of at most `rows` windows and adds up; nothing if `stop` asks on the
/// way. The step of the report is left to the caller.
std::optional<EvaluationReport> evaluate(const std::vector<HeldoutText>& texts, std::int64_t window,
                                         std::int64_t rows,
                                         const std::function<Score(const corpus::Batch&)>& score,
                                         const std::stop_token& stop);

}  // namespace nestor::train
