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

/// One split of a corpus that is being written, in whatever format.
class SplitWriter {
 public:
  SplitWriter() = default;
  SplitWriter(const SplitWriter&) = delete;
  SplitWriter& operator=(const SplitWriter&) = delete;
  virtual ~SplitWriter() = default;

  /// One document: its ids, its EOS included, and how many bytes of text they stand for.
  virtual void add(std::span<const TokenId> ids, std::int64_t text_bytes) = 0;
  /// Completes and syncs the files.
  virtual SplitSummary finish() = 0;
};

class ShardWriter : public SplitWriter {
 public:
  /// Into an existing folder. Throws Error(io).
  ShardWriter(std::filesystem::path folder, Split split, std::int64_t id_bytes, std::int64_t tokens_per_file);
  ~ShardWriter() override;

  /// The ids must fit id_bytes.
  void add(std::span<const TokenId> ids, std::int64_t text_bytes) override;
  /// Completes and syncs the files. Without it nothing is left behind but files that were full before.
  SplitSummary finish() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
