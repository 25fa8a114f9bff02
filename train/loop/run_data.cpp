#include "train/loop/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "corpus/pack.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

// Says now and then how far packing is.
class PackProgress : public ProgressSink {
 public:
  explicit PackProgress(RunObserver& observer) : observer_(observer) {}

  void advance(std::string_view, std::uint64_t done, std::uint64_t total) override {
    constexpr double kSeconds = 5;
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - last_).count() < kSeconds) return;
    last_ = now;
    observer_.say(fmt::format("packing the text: {:.0f} MB of {:.0f} MB", static_cast<double>(done) / 1e6,
                              static_cast<double>(total) / 1e6));
  }

 private:
  RunObserver& observer_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// The corpus folder that a recipe names, or the one made of its text files.
fs::path corpus_folder(const recipe::Recipe& recipe, const corpus::CorpusTokenizer& tokenizer,
                       const corpus::ConversationWriter& conversations, const RunFolder& folder,
                       RunObserver& observer, const std::stop_token& stop) {
  const std::vector<std::string>& sources = recipe.data.train;
  const auto packed =
      std::count_if(sources.begin(), sources.end(), [](const auto& s) { return corpus::is_corpus(s); });
  if (packed == 1 && sources.size() == 1) return sources.front();
  if (packed > 0) {
    fail(
        ErrorKind::unsupported,
        "data.train: a run reads one corpus folder, or texts; join the texts in one corpus with nestor data");
  }
  if (corpus::is_corpus(folder.corpus())) return folder.corpus();
  corpus::PackOptions options;
  options.reading.conversations = conversations;
  if (!recipe.data.heldout.empty()) options.heldout_fraction = 0;
  PackProgress progress(observer);
  corpus::pack(sources, tokenizer, options, folder.corpus(), progress, stop);
  return folder.corpus();
}

void check_fit(const recipe::Recipe& recipe, const corpus::CorpusTokenizer& tokenizer,
               const corpus::Shards& shards) {
  const config::ModelConfig& c = recipe.model.config;
  if (shards.manifest().tokenizer != tokenizer.fingerprint) {
    fail(ErrorKind::bad_input, "{}: the corpus was made with another tokenizer than {}",
         shards.folder().string(), recipe.data.tokenizer);
  }
  const std::int64_t ids = std::max(tokenizer.vocab_size, shards.vocab_size());
  if (ids > c.vocab_size) {
    fail(ErrorKind::bad_input, "the tokenizer has ids up to {}, but model.config.vocab_size is {}", ids - 1,
         c.vocab_size);
  }
  const auto& ends = c.eos_token_ids;
  if (std::find(ends.begin(), ends.end(), shards.eos()) == ends.end()) {
    fail(ErrorKind::bad_input,
         "documents of the corpus end with token {}, but model.config.eos_token_id is {}", shards.eos(),
         ends.front());
  }
}

std::vector<HeldoutText> heldout_texts(const recipe::Recipe& recipe, const fs::path& corpus,
                                       const tokenizer::Tokenizer& tokenizer, const std::stop_token& stop) {
  std::vector<HeldoutText> texts;
  std::int64_t room = recipe.reporting.evaluate_tokens + 1;
  const auto add = [&](HeldoutText text) {
    room -= static_cast<std::int64_t>(text.ids.size());
    if (text.ids.size() > 1) texts.push_back(std::move(text));
  };
  if (recipe.data.heldout.empty()) add(heldout_of_shards({corpus, corpus::Split::heldout}, tokenizer, room));
  for (const std::string& source : recipe.data.heldout) {
    if (room <= 1) break;
    if (corpus::is_corpus(source)) {
      add(heldout_of_shards({source, corpus::Split::heldout}, tokenizer, room));
    } else {
      add(heldout_of_text(source, tokenizer, room, stop));
    }
  }
  return texts;
}

Json identity_of(const corpus::Manifest& manifest) {
  return {{"tokenizer", manifest.tokenizer},
          {"vocab_size", manifest.vocab_size},
          {"eos", manifest.eos},
          {"documents", manifest.train.documents},
          {"tokens", manifest.train.tokens},
          {"text_bytes", manifest.train.text_bytes}};
}

}  // namespace

fs::path tokenizer_file(const recipe::Recipe& recipe) {
  const fs::path named = recipe.data.tokenizer;
  return fs::is_directory(named) ? named / "tokenizer.json" : named;
}

RunData open_data(const recipe::Recipe& recipe, const corpus::ConversationWriter& conversations,
                  const RunFolder& folder, RunObserver& observer, const std::stop_token& stop) {
  corpus::CorpusTokenizer tokenizer = corpus::open_corpus_tokenizer(tokenizer_file(recipe));
  const fs::path corpus = corpus_folder(recipe, tokenizer, conversations, folder, observer, stop);
  corpus::Shards shards(corpus, corpus::Split::train);
  check_fit(recipe, tokenizer, shards);
  std::vector<HeldoutText> heldout = heldout_texts(recipe, corpus, tokenizer.tokenizer, stop);
  Json identity = identity_of(shards.manifest());
  if (heldout.empty()) observer.say("note: there is no held-out text, so nothing is evaluated");
  return {std::move(tokenizer), std::move(shards), std::move(heldout), std::move(identity)};
}

}  // namespace nestor::train
