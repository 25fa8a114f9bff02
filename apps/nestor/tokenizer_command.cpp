// nestor tokenizer train: a tokenizer of the LongCat family, learned from text.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "arguments.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "chat/default_template.h"
#include "corpus/documents.h"
#include "corpus/sources.h"
#include "interrupt.h"
#include "terminal.h"
#include "tokenizer/learn_tokenizer.h"
#include "tokenizer/longcat_family.h"
#include "unread_files.h"

namespace nestor::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> sources;
  corpus::ReadOptions read;
  std::optional<std::string> format;
  bool repair = false;
  bool skip_bad_lines = false;
  std::optional<std::uint64_t> limit_bytes;
  tokenizer::LearnOptions learn;
  std::string out;
};

// What is written where. A name that ends in .json is the one file, any other the folder for both.
class Destination {
 public:
  explicit Destination(const fs::path& out) {
    if (out.extension() == ".json") {
      tokenizer_ = out;
    } else {
      tokenizer_ = out / "tokenizer.json";
      config_ = out / "tokenizer_config.json";
    }
  }

  // Called before the work, so that it is not done for nothing. Makes the folder.
  void prepare() const {
    refuse_existing(tokenizer_);
    if (config_) refuse_existing(*config_);
    const fs::path folder = tokenizer_.parent_path();
    std::error_code error;
    if (config_) fs::create_directories(folder, error);
    if (error) fail(ErrorKind::io, "{}: cannot make the folder: {}", folder.string(), error.message());
    if (!folder.empty() && !fs::is_directory(folder, error)) {
      fail(ErrorKind::not_found, "{}: there is no such folder to write to", folder.string());
    }
  }

  // Both or none: one alone would refuse the next attempt.
  void write(const std::string& json) const {
    try {
      if (config_) {
        const Json config = tokenizer::longcat_tokenizer_config(chat::default_template());
        write_file(*config_, to_text(config, 2) + "\n");
      }
      write_file(tokenizer_, json);
    } catch (...) {
      std::error_code error;
      if (config_) fs::remove(*config_, error);
      fs::remove(tokenizer_, error);
      throw;
    }
  }

 private:
  static void refuse_existing(const fs::path& path) {
    std::error_code error;
    if (fs::exists(path, error)) {
      fail(ErrorKind::usage, "{} is there already; remove it or choose another --out", path.string());
    }
  }

  fs::path tokenizer_;
  std::optional<fs::path> config_;
};

// The first `bytes` bytes, less what is left of a character there.
std::string_view beginning(std::string_view text, std::uint64_t bytes) {
  if (text.size() <= bytes) return text;
  auto end = static_cast<std::size_t>(bytes);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

corpus::FormatChoice format_of(const Options& o) {
  if (!o.format) return corpus::FormatChoice::by_name;
  return *o.format == "text" ? corpus::FormatChoice::text : corpus::FormatChoice::jsonl;
}

struct ReadCounts {
  std::uint64_t documents = 0;
  std::int64_t bad_lines = 0;
};

// Hands the documents of all sources to the learner and returns how many there were.
ReadCounts read_sources(const Options& o, tokenizer::TokenizerLearner& learner, ProgressSink& progress,
                        const std::stop_token& stop) {
  corpus::ReadOptions reading = o.read;
  if (o.repair) reading.bad_text = corpus::BadText::repair;
  if (o.skip_bad_lines) reading.bad_lines = corpus::BadLines::skip;
  const auto files = corpus::list_sources(o.sources, format_of(o));
  std::uint64_t total = 0;  // stays 0, which means unknown, if it is not known of every file
  if (std::ranges::none_of(files, [](const auto& file) { return file.bytes == 0; })) {
    for (const corpus::SourceFile& file : files) total += file.bytes;
  }
  std::uint64_t left = o.limit_bytes.value_or(std::numeric_limits<std::uint64_t>::max());
  ReadCounts counts;
  std::uint64_t done = 0;
  for (const corpus::SourceFile& file : files) {
    corpus::DocumentReader reader(file, reading, stop);
    for (corpus::Document document; left > 0 && reader.next(document); ++counts.documents) {
      if (stop.stop_requested()) fail(ErrorKind::cancelled, "interrupted; nothing is written");
      learner.add(beginning(document.text, left));
      left -= std::min<std::uint64_t>(left, document.text.size());
      progress.advance("reading", done + reader.consumed(), total);
    }
    done += reader.consumed();
    counts.bad_lines += reader.skipped_lines();
  }
  return counts;
}

int train(const Options& o) {
  if (o.limit_bytes == 0) fail(ErrorKind::usage, "--limit-bytes 0 leaves no text to learn from");
  tokenizer::TokenizerLearner learner(o.learn);
  const Destination destination(o.out);
  destination.prepare();
  const InterruptScope interrupt;
  ReadCounts counts;
  {
    TerminalProgress progress("MB", 1e6);
    counts = read_sources(o, learner, progress, interrupt.stop());
  }
  note_unread(o.sources);
  if (counts.bad_lines > 0) note(fmt::format("left out: {} bad lines", counts.bad_lines));
  tokenizer::LearnedTokenizer learned;
  {
    TerminalProgress progress("tokens", 1);
    learned = learner.learn(progress, interrupt.stop());
  }
  if (learned.text_tokens == 0) fail(ErrorKind::bad_input, "the sources hold no text; nothing is written");
  destination.write(learned.json);
  note(fmt::format("{}: {} tokens, learned from {} documents of {} bytes, {:.3f} bytes per token", o.out,
                   o.learn.vocab_size, counts.documents, learned.text_bytes,
                   static_cast<double>(learned.text_bytes) / static_cast<double>(learned.text_tokens)));
  return 0;
}

CLI::App* add_train(CLI::App& group, Options& o) {
  CLI::App* app = group.add_subcommand("train", "Learn a tokenizer of the LongCat family from text");
  app->add_option("SRC", o.sources,
                  "Files, folders (*.txt, *.md, *.jsonl, *.ndjson, each also .xz, .gz, .zst, .bz2) or - for "
                  "standard input")
      ->required();
  app->add_option("--vocab-size", o.learn.vocab_size,
                  "Tokens in all: 17 control tokens, 256 bytes, and the rest learned")
      ->required()
      ->option_text("V");
  app->add_option(
         "--out", o.out,
         "The folder for tokenizer.json and tokenizer_config.json, or a FILE.json for the first alone")
      ->required()
      ->option_text("DIR|FILE");
  app->add_option("--format", o.format,
                  "Read every SRC as plain text or as one JSON object a line (default: by its name)")
      ->option_text("text|jsonl")
      ->check(CLI::IsMember({"text", "jsonl"}));
  app->add_option("--text-key", o.read.text_key,
                  "The key of a JSON line that holds the document (default text); a.b is b in the object a")
      ->option_text("KEY");
  app->add_flag("--skip-bad-lines", o.skip_bad_lines,
                "Leave out lines that are no JSON object with the text, and say how many");
  app->add_flag("--repair", o.repair, "Replace what is not UTF-8 by U+FFFD instead of stopping");
  app->add_option("--limit-bytes", o.limit_bytes, "Learn from the first N bytes of text (default: all)")
      ->option_text("N")
      ->check(whole_number());
  app->add_option("--min-count", o.learn.min_count,
                  "Two tokens must stand beside each other so often to become one (default 2)")
      ->option_text("N");
  app->add_option("--random-ids", o.learn.id_seed,
                  "Number the tokens at random with this seed instead of frequent ones first")
      ->option_text("SEED")
      ->check(whole_number());
  app->add_option("--control-token", o.learn.more_control_tokens,
                  "One more control token, after the 17 of the family (repeatable)")
      ->option_text("TEXT")
      ->allow_extra_args(false);
  app->footer(
      "Examples:\n  nestor tokenizer train books.jsonl.xz --vocab-size 8192 --out my-tokenizer\n"
      "  nestor tokenizer train notes/ more.txt --vocab-size 2000 --out notes.json");
  return app;
}

}  // namespace

Command tokenizer_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* group = root.add_subcommand("tokenizer", "Make a tokenizer");
  const CLI::App* app = add_train(*group, *o);
  group->footer(
      "nestor tokenizer COMMAND --help explains a command.\n\n"
      "Example:\n  nestor tokenizer train books.jsonl.xz --vocab-size 8192 --out my-tokenizer");
  return {group, [o, app] {
            if (!app->parsed()) {
              fail(ErrorKind::usage, "no command of nestor tokenizer is given; see nestor tokenizer --help");
            }
            return train(*o);
          }};
}

}  // namespace nestor::app
