#include "train/loop/run_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

// The corpus folder that a recipe names, or the one made of its text files.
fs::path corpus_folder(const recipe::Recipe& recipe, const tokenizer::Tokenizer& tokenizer, const RunFolder& folder,
                       RunObserver& observer, const std::stop_token& stop) {
  const std::vector<std::string>& sources = recipe.data.train;
  const auto packed = std::count_if(sources.begin(), sources.end(), [](const auto& s) { return corpus::is_corpus(s); });
  if (packed == 1 && sources.size() == 1) return sources.front();
  if (packed > 0) {
    fail(ErrorKind::unsupported,
         "data.train: a run reads one corpus folder, or text files; join the texts in one corpus with nestor data");
  }
  (void)tokenizer, (void)folder, (void)observer, (void)stop;
  fail(ErrorKind::unsupported, "text files");
}

void check_fit(const recipe::Recipe& recipe, const tokenizer::Tokenizer& tokenizer, const corpus::Shards& shards) {
  const config::ModelConfig& c = recipe.model.config;
  const std::int64_t ids = std::max<std::int64_t>(tokenizer.max_id() + 1, shards.vocab_size());
  if (ids > c.vocab_size) {
    fail(ErrorKind::bad_input, "the tokenizer has ids up to {}, but model.config.vocab_size is {}", ids - 1,
         c.vocab_size);
  }
  const auto& ends = c.eos_token_ids;
  if (std::find(ends.begin(), ends.end(), shards.eos()) == ends.end()) {
    fail(ErrorKind::bad_input, "documents of the corpus end with token {}, which is not model.config.eos_token_id {}",
         shards.eos(), ends.front());
  }
}

std::vector<HeldoutText> heldout_texts(const recipe::Recipe& recipe, const fs::path& corpus,
                                       const tokenizer::Tokenizer& tokenizer) {
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
      add(heldout_of_file(source, tokenizer, room));
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

RunData open_data(const recipe::Recipe& recipe, const RunFolder& folder, RunObserver& observer,
                  const std::stop_token& stop) {
  tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(tokenizer_file(recipe));
  const fs::path corpus = corpus_folder(recipe, tokenizer, folder, observer, stop);
  corpus::Shards shards(corpus, corpus::Split::train);
  check_fit(recipe, tokenizer, shards);
  std::vector<HeldoutText> heldout = heldout_texts(recipe, corpus, tokenizer);
  Json identity = identity_of(shards.manifest());
  if (heldout.empty()) observer.say("note: there is no held-out text, so nothing is evaluated");
  return {std::move(tokenizer), std::move(shards), std::move(heldout), std::move(identity)};
}

}  // namespace nestor::train
