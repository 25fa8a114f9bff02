// What a recipe reads: tokenizer, training corpus and held-out text, opened and held against the model.
#pragma once

#include <stop_token>
#include <vector>

#include "base/json.h"
#include "corpus/corpus_tokenizer.h"
#include "corpus/documents.h"
#include "corpus/shards.h"
#include "recipe/recipe.h"
#include "train/loop/heldout.h"
#include "train/loop/run_folder.h"
#include "train/loop/run_observer.h"

namespace nestor::train {

struct RunData {
  corpus::CorpusTokenizer tokenizer;
  corpus::Shards train;
  std::vector<HeldoutText> heldout;
  /// What tells one training corpus from another: counts, checksums, where documents start, the tokenizer's
  /// fingerprint. And that of the held-out text, at kHeldoutKey.
  Json fingerprint;
};
inline constexpr const char* kHeldoutKey = "held-out text";

struct DataRequest {
  const recipe::Recipe& recipe;
  const corpus::ConversationWriter& conversations;  // may be empty
  const RunFolder& folder;                          // texts are packed there
  bool begun = false;                               // the run has learnt from what is packed there
};

/// Packs text files of the recipe unless that was done already. Error(bad_input) if corpus, tokenizer and
/// model do not fit together; cancelled if `stop` asks.
RunData open_data(const DataRequest& request, RunObserver& observer, const std::stop_token& stop);

/// tokenizer.json of a recipe, which may name its folder.
std::filesystem::path tokenizer_file(const recipe::Recipe& recipe);

}  // namespace nestor::train
