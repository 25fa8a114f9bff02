// nestor data: text into token shards.
#include <fmt/format.h>

#include "arguments.h"
#include "base/json.h"
#include "conversation_writer.h"
#include "corpus/pack.h"
#include "interrupt.h"
#include "terminal.h"
#include "unread_files.h"

namespace nestor::app {
namespace {

struct Options {
  std::vector<std::string> sources;
  std::string tokenizer, folder;
  std::optional<std::string> eos;
  std::optional<std::string> format;
  corpus::PackOptions pack;
  bool keep_duplicates = false;
  bool repair = false;
  bool skip_bad_lines = false;
  std::string output = "packed";
  bool json = false;
};

constexpr const char* kSourcesGroup = "Reading";
constexpr const char* kChoiceGroup = "What is kept, and where";

std::string line_of(std::string_view name, const corpus::SplitSummary& split) {
  const auto share = [&](std::int64_t of) {
    return of == 0 ? 0.0 : static_cast<double>(split.text_bytes) / static_cast<double>(of);
  };
  return fmt::format("{:<9}{} documents, {} tokens, {} bytes of text ({:.2f} bytes a token)\n", name,
                     split.documents, split.tokens, split.text_bytes, share(split.tokens - split.documents));
}

std::string report(const corpus::Manifest& m) {
  std::string text = line_of("train:", m.train) + line_of("heldout:", m.heldout);
  text += fmt::format("left out: {} empty documents, {} duplicates ({} bytes)", m.removed.empty_documents,
                      m.removed.duplicate_documents, m.removed.duplicate_bytes);
  if (m.removed.repeated_lines > 0) {
    text += fmt::format(", {} repeated lines ({} bytes)", m.removed.repeated_lines,
                        m.removed.repeated_line_bytes);
  }
  if (m.removed.bad_lines > 0) text += fmt::format(", {} bad lines", m.removed.bad_lines);
  return text + "\n";
}

int execute(const Options& o) {
  corpus::PackOptions pack = o.pack;
  if (o.format) pack.format = *o.format == "text" ? corpus::FormatChoice::text : corpus::FormatChoice::jsonl;
  if (o.keep_duplicates) pack.deduplicator.duplicates = corpus::Duplicates::keep;
  if (o.repair) pack.reading.bad_text = corpus::BadText::repair;
  if (o.skip_bad_lines) pack.reading.bad_lines = corpus::BadLines::skip;
  if (o.output == "megatron") pack.output = corpus::OutputFormat::megatron;
  pack.reading.conversations = conversation_writer(o.tokenizer);
  const corpus::CorpusTokenizer tokenizer = corpus::open_corpus_tokenizer(o.tokenizer, o.eos);
  for (const std::string& text : tokenizer.tokenizer.notes()) note(text);
  const InterruptScope interrupt;
  corpus::Manifest manifest;
  {
    TerminalProgress progress("MB", 1e6);
    manifest = corpus::pack(o.sources, tokenizer, pack, o.folder, progress, interrupt.stop());
  }
  note_unread(o.sources);
  print(o.json ? to_text(corpus::to_json(manifest)) + "\n" : report(manifest));
  const bool wanted = pack.heldout_fraction > 0 || !pack.heldout_sources.empty();
  if (manifest.heldout.documents == 0 && wanted) {
    note("nothing is held out: there is one document only, or none of the groups was chosen");
  }
  return 0;
}

void add_reading_options(CLI::App& app, Options& o) {
  corpus::ReadOptions& reading = o.pack.reading;
  app.add_option("--format", o.format,
                 "Read every SRC as plain text or as one JSON object a line (default: by its name)")
      ->option_text("text|jsonl")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->group(kSourcesGroup);
  app.add_option("--text-key", reading.text_key,
                 "The key of a JSON line that holds the document (default text); a.b is b in the object a")
      ->option_text("KEY")
      ->group(kSourcesGroup);
  app.add_option("--document-separator", reading.separator,
                 "A line of a plain text that separates documents (default: a file is one document)")
      ->option_text("LINE")
      ->group(kSourcesGroup);
  app.add_option("--max-document", reading.max_document_bytes,
                 "Cut longer documents after a paragraph, in bytes (default 262144)")
      ->option_text("N")
      ->check(CLI::Range(corpus::kLeastDocumentBytes, corpus::kMostDocumentBytes))
      ->group(kSourcesGroup);
  app.add_flag("--skip-bad-lines", o.skip_bad_lines,
               "Leave out lines that are no JSON object with the text, and say how many")
      ->group(kSourcesGroup);
  app.add_flag("--repair", o.repair, "Replace what is not UTF-8 by U+FFFD instead of stopping")
      ->group(kSourcesGroup);
}

void add_choice_options(CLI::App& app, Options& o) {
  app.add_option("--heldout", o.pack.heldout_fraction, "Share of the documents to hold out (default 0.025)")
      ->option_text("FRACTION")
      ->check(CLI::Range(0.0, 0.999))
      ->group(kChoiceGroup);
  app.add_option("--heldout-by", o.pack.reading.group_key,
                 "Hold out all documents together that have the same value of this JSON key")
      ->option_text("KEY")
      ->group(kChoiceGroup);
  app.add_option("--heldout-from", o.pack.heldout_sources,
                 "Hold out all documents of this source (repeatable)")
      ->option_text("SRC")
      ->allow_extra_args(false)
      ->group(kChoiceGroup);
  app.add_flag("--keep-duplicates", o.keep_duplicates, "Keep documents that occur several times")
      ->group(kChoiceGroup);
  app.add_option("--dedup-lines", o.pack.deduplicator.dedup_lines_from,
                 "Drop lines of at least N bytes that occurred before (default 0: none)")
      ->option_text("N")
      ->check(at_least_zero())
      ->group(kChoiceGroup);
}

}  // namespace

Command data_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("data", "Pack text into token shards for training");
  app->add_option("SRC", o->sources,
                  "Files, folders (*.txt, *.md, *.jsonl, *.ndjson, each also .xz, .gz, .zst, .bz2) or - for "
                  "standard input")
      ->required()
      ->option_text("SRC...");
  app->add_option("--tokenizer", o->tokenizer, "A tokenizer.json, or a folder with one")
      ->required()
      ->option_text("FILE");
  app->add_option("--out", o->folder, "The folder to write; new or empty")->required()->option_text("DIR");
  app->add_option("--eos", o->eos, "The token that ends documents (default: that of tokenizer_config.json)")
      ->option_text("TOKEN");
  app->add_option("--output", o->output,
                  "Files of nestor train, or .bin and .idx of Megatron-LM (default packed)")
      ->check(CLI::IsMember({"packed", "megatron"}))
      ->option_text("packed|megatron");
  app->add_flag("--json", o->json, "Print what was written as JSON");
  add_reading_options(*app, *o);
  add_choice_options(*app, *o);
  app->footer(
      "Examples:\n  nestor data books/ notes.jsonl.xz --tokenizer MODEL --out corpus\n"
      "  xzcat web.txt.xz | nestor data - --document-separator %% --tokenizer tokenizer.json --out corpus");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
