#include "train/loop/run_data.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "base/crc32c.h"
#include "base/error.h"
#include "corpus/pack.h"
#include "corpus/sources.h"
#include "corpus/text_hash.h"

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

// Whether a text changed after it was packed.
bool is_older_than(const fs::path& packed, const std::vector<std::string>& sources) {
  const auto when = fs::last_write_time(packed / "corpus.json");
  const auto files = corpus::list_sources(sources, corpus::FormatChoice::by_name);
  return std::ranges::any_of(files, [&](const corpus::SourceFile& f) {
    return f.name != "-" && fs::last_write_time(f.name) > when;
  });
}

// A run that goes on reads what it began with, whatever its texts are called now. Where nothing was learnt
// yet, the recipe counts.
bool is_of_this_run(const fs::path& packed, const corpus::CorpusTokenizer& tokenizer,
                    const DataRequest& request) {
  if (!corpus::is_corpus(packed)) return false;
  if (request.begun) return true;
  const std::vector<std::string>& sources = request.recipe.data.train;
  const corpus::Manifest found = corpus::Shards(packed, corpus::Split::train).manifest();
  return found.sources == sources && found.tokenizer == tokenizer.fingerprint &&
         (found.heldout_fraction == 0) == !request.recipe.data.heldout.empty() &&
         !is_older_than(packed, sources);
}

// What was packed for another recipe. Never what this recipe reads, nor what somebody else put there.
void remove_packed(const fs::path& packed, const std::vector<std::string>& sources) {
  if (!fs::exists(fs::symlink_status(packed))) return;
  const fs::path place = fs::canonical(packed);
  const bool is_read = std::ranges::any_of(sources, [&](const std::string& source) {
    const fs::path inside = fs::weakly_canonical(source).lexically_relative(place);
    return !inside.empty() && *inside.begin() != "..";
  });
  if (fs::is_symlink(packed) || is_read || !(corpus::is_corpus(packed) || fs::is_empty(packed))) {
    fail(ErrorKind::usage,
         "{}: a run packs its texts to there, but what is there was not packed by a run; move it away, or "
         "choose "
         "another --out",
         packed.string());
  }
  fs::remove_all(packed);
}

// The corpus folder that a recipe names, or the one made of its text files.
fs::path corpus_folder(const DataRequest& request, const corpus::CorpusTokenizer& tokenizer,
                       RunObserver& observer, const std::stop_token& stop) {
  const std::vector<std::string>& sources = request.recipe.data.train;
  const auto packed =
      std::count_if(sources.begin(), sources.end(), [](const auto& s) { return corpus::is_corpus(s); });
  if (packed == 1 && sources.size() == 1) return sources.front();
  if (packed > 0) {
    fail(
        ErrorKind::unsupported,
        "data.train: a run reads one corpus folder, or texts; join the texts in one corpus with nestor data");
  }
  const fs::path packed_here = request.folder.corpus();
  if (is_of_this_run(packed_here, tokenizer, request)) return packed_here;
  remove_packed(packed_here, sources);
  corpus::PackOptions options;
  options.reading.conversations = request.conversations;
  if (!request.recipe.data.heldout.empty()) options.heldout_fraction = 0;
  PackProgress progress(observer);
  corpus::pack(sources, tokenizer, options, packed_here, progress, stop);
  return packed_here;
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
         fmt::join(ends, ", "));
  }
}

std::vector<HeldoutText> heldout_texts(const DataRequest& request, const fs::path& corpus,
                                       const tokenizer::Tokenizer& tokenizer, const std::stop_token& stop) {
  const recipe::Recipe& recipe = request.recipe;
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
      add(heldout_of_text(source, tokenizer, request.conversations, room, stop));
    }
  }
  return texts;
}

// The same documents in another order start elsewhere.
std::string fingerprint_of_starts(const corpus::Shards& shards) {
  constexpr std::size_t kBytesAtOnce = 1U << 20;
  std::string hashed;  // what came before, then starts
  for (std::int64_t d = 0; d < shards.documents(); ++d) {
    const std::int64_t start = shards.document_start(d);
    hashed.append(reinterpret_cast<const char*>(&start), sizeof start);
    if (hashed.size() > kBytesAtOnce) hashed = corpus::to_hex(corpus::hash_of(hashed));
  }
  return corpus::to_hex(corpus::hash_of(hashed));
}

Json fingerprint_of(const corpus::Shards& shards) {
  const corpus::Manifest& manifest = shards.manifest();
  Json json = {{"document starts", fingerprint_of_starts(shards)},
               {"tokenizer", manifest.tokenizer},
               {"vocab_size", manifest.vocab_size},
               {"eos", manifest.eos},
               {"documents", manifest.train.documents},
               {"tokens", manifest.train.tokens},
               {"text_bytes", manifest.train.text_bytes}};
  if (manifest.train.checksum) json["checksum"] = *manifest.train.checksum;
  return json;
}

std::uint32_t checksum_of(const std::vector<HeldoutText>& texts) {
  std::uint32_t sum = 0;
  for (const HeldoutText& text : texts) sum = crc32c(std::as_bytes(std::span(text.ids)), sum);
  return sum;
}

}  // namespace

fs::path tokenizer_file(const recipe::Recipe& recipe) {
  const fs::path named = recipe.data.tokenizer;
  return fs::is_directory(named) ? named / "tokenizer.json" : named;
}

RunData open_data(const DataRequest& request, RunObserver& observer, const std::stop_token& stop) {
  const recipe::Recipe& recipe = request.recipe;
  corpus::CorpusTokenizer tokenizer = corpus::open_corpus_tokenizer(tokenizer_file(recipe));
  const fs::path corpus = corpus_folder(request, tokenizer, observer, stop);
  corpus::Shards shards(corpus, corpus::Split::train);
  check_fit(recipe, tokenizer, shards);
  std::vector<HeldoutText> heldout = heldout_texts(request, corpus, tokenizer.tokenizer, stop);
  Json fingerprint = fingerprint_of(shards);
  fingerprint[kHeldoutKey] = checksum_of(heldout);
  if (heldout.empty()) observer.say("note: there is no held-out text, so nothing is evaluated");
  return {std::move(tokenizer), std::move(shards), std::move(heldout), std::move(fingerprint)};
}

}  // namespace nestor::train
