#include "study/data.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "base/checked_json.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/folder_lock.h"
#include "corpus/pack.h"
#include "corpus/shards.h"
#include "corpus/text_hash.h"
#include "study/cloze.h"
#include "tokenizer/learn_tokenizer.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;
constexpr const char* kRecord = "data.json";

Json to_json(const TextSpec& spec) {
  return {{"sources", spec.sources},
          {"bytes", spec.bytes},
          {"vocab_size", spec.vocab_size},
          {"questions", spec.questions}};
}

// Documents, evenly from all that come, whose text together is at most `most` bytes.
class EvenSample {
 public:
  explicit EvenSample(std::int64_t most) : most_(most) {}

  void add(std::string text) {
    if (seen_++ % stride_ != 0) return;
    bytes_ += std::ssize(text);
    kept_.push_back(std::move(text));
    while (bytes_ > most_ && kept_.size() > 1) halve();
  }
  const std::vector<std::string>& documents() const { return kept_; }

 private:
  void halve() {
    for (std::size_t i = 1; 2 * i < kept_.size(); ++i) kept_[i] = std::move(kept_[2 * i]);
    kept_.resize((kept_.size() + 1) / 2);
    stride_ *= 2;
    bytes_ = 0;
    for (const std::string& text : kept_) bytes_ += std::ssize(text);
  }

  std::int64_t most_, bytes_ = 0, seen_ = 0, stride_ = 1;
  std::vector<std::string> kept_;
};

class Preparation {
 public:
  Preparation(const TextSpec& spec, const fs::path& books, const fs::path& folder, ProgressSink& progress,
              const std::stop_token& stop)
      : spec_(spec), folder_(folder), progress_(progress), stop_(stop), sources_(spec.sources) {
    if (sources_.empty()) sources_ = {books.string()};
  }

  std::string make() {
    for (const std::string& name : names_in(folder_)) {  // what is damaged, or a killed process left
      if (name != FolderLock::kFile) fs::remove_all(folder_ / name);
    }
    learn();
    const corpus::CorpusTokenizer tokenizer = corpus::open_corpus_tokenizer(folder_ / "tokenizer");
    const corpus::Manifest manifest =
        corpus::pack(sources_, tokenizer, {}, folder_ / "corpus", progress_, stop_);
    write_file(folder_ / "cloze.jsonl", cloze_lines(heldout_documents(tokenizer), spec_.questions));
    Json what = corpus::to_json(manifest);
    what.erase("sources");
    std::string fingerprint =
        corpus::to_hex(corpus::hash_of(to_text(what) + read_file(folder_ / "cloze.jsonl", kMostFileBytes)));
    const Json record = {{"text", to_json(spec_)}, {"fingerprint", fingerprint}};
    write_file(folder_ / kRecord, to_text(with_checksum(record), 2) + "\n");
    return fingerprint;
  }

 private:
  // The tokenizer, and the sample of the text where not all of it is wanted, which is then what is packed.
  void learn() {
    tokenizer::LearnOptions options;
    options.vocab_size = spec_.vocab_size;
    tokenizer::TokenizerLearner learner(options);
    EvenSample sample(spec_.bytes);
    for (const corpus::SourceFile& file : corpus::list_sources(sources_, corpus::FormatChoice::by_name)) {
      corpus::DocumentReader reader(file, {}, stop_);
      for (corpus::Document document; reader.next(document);) {
        if (stop_.stop_requested()) fail(ErrorKind::cancelled, "interrupted while reading text");
        spec_.bytes > 0 ? sample.add(std::move(document.text)) : learner.add(document.text);
        progress_.advance("reading", reader.consumed(), file.bytes);
      }
    }
    if (spec_.bytes > 0) take(sample.documents(), learner);
    const fs::path folder = folder_ / "tokenizer";
    fs::create_directories(folder);
    write_file(folder / "tokenizer.json", learner.learn(progress_, stop_).json);
  }

  void take(const std::vector<std::string>& documents, tokenizer::TokenizerLearner& learner) {
    std::string lines;
    for (const std::string& text : documents) {
      learner.add(text);
      lines += to_text(Json{{"text", text}}) + "\n";
    }
    sources_ = {(folder_ / "text.jsonl").string()};
    write_file(sources_.front(), lines);
  }

  std::vector<std::string> heldout_documents(const corpus::CorpusTokenizer& tokenizer) const {
    const corpus::Shards shards(folder_ / "corpus", corpus::Split::heldout);
    std::vector<std::string> documents;
    for (std::int64_t d = 0; d < shards.documents(); ++d) {
      const std::int64_t first = shards.document_start(d);
      std::vector<TokenId> ids(static_cast<std::size_t>(shards.document_start(d + 1) - first));
      shards.read(first, ids);
      documents.push_back(tokenizer.tokenizer.decode(ids, tokenizer::ControlText::skip));
    }
    return documents;
  }

  const TextSpec& spec_;
  const fs::path& folder_;
  ProgressSink& progress_;
  const std::stop_token& stop_;
  std::vector<std::string> sources_;
};

// The fingerprint of what is there; nothing if it is not finished or damaged.
std::string found_data(const TextSpec& spec, const fs::path& folder) {
  if (!fs::exists(folder / kRecord)) return "";
  Json record;
  try {
    record = read_json(folder / kRecord, kMostFileBytes);
    take_checksum(record, (folder / kRecord).string());
    if (corpus::Shards(folder / "corpus", corpus::Split::train).documents() == 0) return "";
    if (!fs::exists(folder / "tokenizer/tokenizer.json") || !fs::exists(folder / "cloze.jsonl")) return "";
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::io) throw;
    return "";
  }
  if (record["text"] != to_json(spec))
    fail(ErrorKind::usage, "{}: holds the text of another grid; choose another --out", folder.string());
  return record["fingerprint"].get<std::string>();
}

// Held by one process at a time; the others wait until it is free.
std::unique_ptr<FolderLock> wait_for_lock(const fs::path& folder, const std::stop_token& stop) {
  while (true) {
    try {
      return std::make_unique<FolderLock>(folder);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;
    }
    if (stop.stop_requested())
      fail(ErrorKind::cancelled, "interrupted while another process prepares the text");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

StudyData prepare_data(const TextSpec& spec, const fs::path& books, const fs::path& folder,
                       ProgressSink& progress, const std::stop_token& stop) {
  fs::create_directories(folder.parent_path());
  const auto lock = wait_for_lock(folder, stop);
  std::string fingerprint = found_data(spec, folder);
  if (fingerprint.empty()) fingerprint = Preparation(spec, books, folder, progress, stop).make();
  return {folder / "tokenizer", folder / "corpus", folder / "cloze.jsonl", fingerprint};
}

}  // namespace nestor::study
