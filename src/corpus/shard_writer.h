// Writes one split of a corpus folder, document by document (the files of shards.h, without corpus.json).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "base/token_id.h"
#include "corpus/manifest.h"
#include "corpus/shards.h"

namespace nestor::corpus {

class ShardWriter {
 public:
  /// Into an existing folder. Throws Error(io).
  ShardWriter(std::filesystem::path folder, Split split, std::int64_t id_bytes, std::int64_t tokens_per_file);
  ~ShardWriter();

  /// One document: its ids, which must fit id_bytes, its EOS included, and how many bytes of text they stand
  /// for.
  void add(std::span<const TokenId> ids, std::int64_t text_bytes);
  /// Completes and syncs the files. Without it nothing is left behind but files that were full before.
  SplitSummary finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
