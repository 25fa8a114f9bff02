// Sources of text -> a folder of token shards (shards.h). Deterministic: the same sources, tokenizer and
// options give the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "corpus/corpus_tokenizer.h"
#include "corpus/deduplicator.h"
#include "corpus/documents.h"
#include "corpus/manifest.h"
#include "corpus/sources.h"

namespace nestor::corpus {

/// packed: the files of shards.h. megatron: those of megatron.h, which others read; nestor train does not.
enum class OutputFormat { packed, megatron };

struct PackOptions {
  FormatChoice format = FormatChoice::by_name;
  ReadOptions reading = {};
  DeduplicatorOptions deduplicator = {};
  /// Share of the documents that is held out, by heldout_place(). Where it is more than 0 and at least two
  /// documents are kept, at least one is held out (the first by its place; not so with reading.group_key),
  /// and one always stays to train on.
  double heldout_fraction = 1.0 / 40;
  /// Sources all of whose documents are held out. They are read first, so that what they share with the
  /// others is removed from the others; heldout_fraction of those others is held out as well.
  std::vector<std::string> heldout_sources = {};
  std::int64_t tokens_per_file = std::int64_t{1} << 28;  // 512 MiB with 16 bits an id
  OutputFormat output = OutputFormat::packed;
};

/// Writes `folder`, which must not exist or be empty: complete or not at all (a folder beside it, named
/// FOLDER.PID.tmp, is renamed at the end). Control tokens written in the texts stay text, except where a
/// conversation has them; one that ends with EOS gets no second. Ids of token shards stay as they are.
/// Progress counts bytes of the source files (total 0: unknown). Memory: one document, its ids, and 16 to 64
/// bytes for each document and line that duplicates are looked for in. Throws Error: usage, what the parts
/// throw, bad_input if no document is left to train on, cancelled.
Manifest pack(std::span<const std::string> sources, const CorpusTokenizer& tokenizer,
              const PackOptions& options, const std::filesystem::path& folder, ProgressSink& progress,
              const std::stop_token& stop);

}  // namespace nestor::corpus
