#include "corpus/pack.h"

#include <unistd.h>

#include <optional>

#include "base/checked_json.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "corpus/megatron.h"
#include "corpus/shard_writer.h"

namespace nestor::corpus {
namespace {

namespace fs = std::filesystem;

// A folder under a temporary name, renamed when complete, else removed.
class NewFolder {
 public:
  explicit NewFolder(fs::path target) : target_(std::move(target)) {
    if (target_.filename().empty()) target_ = target_.parent_path();  // "corpus/"
    std::error_code error;
    if (fs::exists(fs::symlink_status(target_, error)) &&
        !(fs::is_directory(target_, error) && fs::is_empty(target_, error))) {
      fail(ErrorKind::usage, "{}: exists already; name a new or an empty folder", target_.string());
    }
    path_ = target_;
    path_ += fmt::format(".{}.tmp", ::getpid());
    fs::remove_all(path_, error);
    fs::create_directories(path_, error);
    if (error) fail(ErrorKind::io, "cannot create the folder {}: {}", path_.string(), error.message());
  }
  ~NewFolder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const fs::path& path() const { return path_; }

  void commit() {
    sync_folder(path_);
    std::error_code error;
    fs::rename(path_, target_, error);
    if (error)
      fail(ErrorKind::io, "cannot rename a finished folder to {}: {}", target_.string(), error.message());
    path_ = target_;
    sync_folder(target_.has_parent_path() ? target_.parent_path() : ".");
    path_.clear();
  }

 private:
  fs::path target_, path_;
};

// Documents come in, shards go out.
class Packing {
 public:
  Packing(const CorpusTokenizer& tokenizer, const PackOptions& options, const fs::path& folder)
      : tokenizer_(tokenizer),
        options_(options),
        deduplicator_(options.deduplicator),
        train_(writer(folder, Split::train)),
        heldout_(writer(folder, Split::heldout)) {}

  void add_heldout(Document& document) {
    if (deduplicator_.pass(document)) write(*heldout_, document);
  }

  void add(Document& document) {
    const double place = heldout_place(document);  // before lines are removed
    if (!deduplicator_.pass(document)) return;
    if (options_.heldout_fraction == 0 || (first_ && first_->place <= place)) {
      route(document, place);
      return;
    }
    // The first by place waits: it is held out if no other is, and trained on if there is no other.
    if (first_) route(first_->document, first_->place);
    first_ = First{place, std::move(document)};
  }

  void finish(Manifest& manifest) {
    if (first_) {
      // Where groups are held out as a whole, one document of a group would not do.
      const bool needed =
          options_.heldout_fraction > 0 && options_.reading.group_key.empty() && heldout_documents_ == 0;
      const bool wanted = needed || first_->place < options_.heldout_fraction;
      write(wanted && train_documents_ > 0 ? *heldout_ : *train_, first_->document);
    }
    manifest.train = train_->finish();
    manifest.heldout = heldout_->finish();
    manifest.removed = deduplicator_.removed();
  }

 private:
  struct First {
    double place;
    Document document;
  };

  void route(const Document& document, double place) {
    write(place < options_.heldout_fraction ? *heldout_ : *train_, document);
  }

  std::unique_ptr<SplitWriter> writer(const fs::path& folder, Split split) const {
    const std::int64_t id_bytes = id_bytes_for(tokenizer_.vocab_size);
    if (options_.output == OutputFormat::megatron)
      return std::make_unique<MegatronWriter>(folder, split, id_bytes);
    return std::make_unique<ShardWriter>(folder, split, id_bytes, options_.tokens_per_file);
  }

  void write(SplitWriter& split, const Document& document) {
    std::vector<TokenId> ids = document.ids;
    if (ids.empty()) {
      ids = tokenizer_.tokenizer.encode(document.text, tokenizer::PostProcess::omit,
                                        tokenizer::ControlTokens::within(document.control));
    }
    if (ids.empty() || ids.back() != tokenizer_.eos) ids.push_back(tokenizer_.eos);
    split.add(ids, std::ssize(document.text));
    ++(&split == train_.get() ? train_documents_ : heldout_documents_);
  }

  const CorpusTokenizer& tokenizer_;
  const PackOptions& options_;
  Deduplicator deduplicator_;
  std::unique_ptr<SplitWriter> train_, heldout_;
  std::int64_t train_documents_ = 0, heldout_documents_ = 0;
  std::optional<First> first_;
};

// Goes through the files of all sources, with one progress.
class Reading {
 public:
  Reading(const CorpusTokenizer& tokenizer, const ReadOptions& options, ProgressSink& progress,
          const std::stop_token& stop)
      : tokenizer_(tokenizer), options_(options), progress_(progress), stop_(stop) {}

  void expect(std::span<const SourceFile> files) {
    for (const SourceFile& file : files) {
      if (file.bytes == 0) unknown_ = true;  // a pipe
      total_ += file.bytes;
    }
  }

  template <typename Use>
  void read(std::span<const SourceFile> files, const Use& use) {
    for (const SourceFile& file : files) {
      if (file.format == TextFormat::megatron) {
        MegatronReader reader(file.name);
        read_all(
            reader, [&](Document& document) { return next(reader, document); }, use);
      } else {
        DocumentReader reader(file, options_, stop_);
        read_all(
            reader, [&](Document& document) { return reader.next(document); }, use);
        skipped_lines_ += reader.skipped_lines();
      }
    }
  }

  std::int64_t skipped_lines() const { return skipped_lines_; }

 private:
  template <typename Reader, typename Next, typename Use>
  void read_all(const Reader& reader, const Next& next, const Use& use) {
    Document document;
    while (next(document)) {
      if (stop_.stop_requested()) fail(ErrorKind::cancelled, "stopped; nothing was written");
      use(document);
      progress_.advance("packing", done_ + reader.consumed(), unknown_ ? 0 : total_);
    }
    done_ += reader.consumed();
  }

  bool next(MegatronReader& reader, Document& document) const {
    std::vector<TokenId> ids;
    if (!reader.next(ids, tokenizer_.vocab_size)) return false;
    const bool ends = !ids.empty() && ids.back() == tokenizer_.eos;
    const std::span<const TokenId> text = std::span(ids).first(ids.size() - (ends ? 1 : 0));
    document = {tokenizer_.tokenizer.decode(text, tokenizer::ControlText::keep)};
    document.ids = std::move(ids);
    return true;
  }

  const CorpusTokenizer& tokenizer_;
  const ReadOptions& options_;
  ProgressSink& progress_;
  std::stop_token stop_;
  std::uint64_t done_ = 0, total_ = 0;
  std::int64_t skipped_lines_ = 0;
  bool unknown_ = false;
};

void check(const PackOptions& options) {
  if (!(options.heldout_fraction >= 0 && options.heldout_fraction < 1)) {
    fail(ErrorKind::usage, "a held-out fraction of {}: expected at least 0 and less than 1",
         options.heldout_fraction);
  }
  if (options.tokens_per_file < 1 || options.tokens_per_file > kMaxTokensPerFile) {
    fail(ErrorKind::usage, "{} tokens in a file: expected 1 to {}", options.tokens_per_file,
         kMaxTokensPerFile);
  }
  if (options.deduplicator.dedup_lines_from < 0) {
    fail(ErrorKind::usage, "lines of at least {} bytes: expected a number from 0",
         options.deduplicator.dedup_lines_from);
  }
}

}  // namespace

Manifest pack(std::span<const std::string> sources, const CorpusTokenizer& tokenizer,
              const PackOptions& options, const fs::path& folder, ProgressSink& progress,
              const std::stop_token& stop) {
  check(options);
  std::vector<std::string> all(options.heldout_sources);
  all.insert(all.end(), sources.begin(), sources.end());
  list_sources(all, options.format);  // "-" in both lists is noticed here
  const std::vector<SourceFile> heldout = list_sources(options.heldout_sources, options.format);
  const std::vector<SourceFile> train = list_sources(sources, options.format);

  NewFolder output(folder);
  Packing packing(tokenizer, options, output.path());
  Reading reading(tokenizer, options.reading, progress, stop);
  reading.expect(heldout);
  reading.expect(train);
  reading.read(heldout, [&](Document& document) { packing.add_heldout(document); });
  reading.read(train, [&](Document& document) { packing.add(document); });

  Manifest manifest;
  packing.finish(manifest);
  manifest.removed.bad_lines = reading.skipped_lines();
  if (manifest.train.documents == 0) {
    fail(ErrorKind::bad_input,
         "no text to train on: {} empty documents and {} duplicates were left out, {} documents held out",
         manifest.removed.empty_documents, manifest.removed.duplicate_documents, manifest.heldout.documents);
  }
  manifest.tokenizer = tokenizer.fingerprint;
  manifest.vocab_size = tokenizer.vocab_size;
  manifest.eos = tokenizer.eos;
  manifest.id_bytes = id_bytes_for(tokenizer.vocab_size);
  manifest.tokens_per_file = options.tokens_per_file;
  manifest.heldout_fraction = options.heldout_fraction;
  manifest.sources = all;
  if (options.output == OutputFormat::packed) {
    write_file(output.path() / kManifestName, to_text(with_checksum(to_json(manifest)), 2) + "\n");
  }
  output.commit();
  return manifest;
}

}  // namespace nestor::corpus
