// Token shards: a folder with packed documents as token ids, mapped when read. Every document ends with EOS.
//   corpus.json      what it is: tokenizer fingerprint, vocabulary, EOS, documents, tokens, bytes of text
// and for each split (train, heldout), numbered from 00000:
//   train-00000.ids  ids, little-endian, in 16 bits where the vocabulary fits, else in 32
//   train.docs       the first token of each document, little-endian, in 64 bits
//   train.sums       CRC-32C of every 64 KiB of these files, ids first, little-endian, in 32 bits
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/token_id.h"
#include "corpus/manifest.h"

namespace nestor::corpus {

enum class Split { train, heldout };

/// "train" or "heldout": how the files of a split begin.
const char* name_of(Split split);

/// Names of a split's files inside its folder.
std::string ids_file_name(Split split, std::int64_t number);
std::string documents_file_name(Split split);
std::string sums_file_name(Split split);

/// Bytes that one checksum is of; each file begins a block.
inline constexpr std::int64_t kBlockBytes = 1 << 16;

/// True for a folder that has a corpus.json (which may be damaged).
bool is_corpus(const std::filesystem::path& folder);

/// One split of a corpus, mapped and checked. Const and thread-safe after construction.
class Shards {
 public:
  /// Checks the sizes of all files and the starts of all documents; ids are checked when they are read, and
  /// the checksum of their block when that is read for the first time.
  /// Throws Error: not_found, bad_input for a folder that is no corpus or damaged, unsupported for another
  /// version. A split may be empty.
  Shards(const std::filesystem::path& folder, Split split);
  ~Shards();
  Shards(Shards&&) noexcept;

  std::int64_t tokens() const;
  std::int64_t documents() const;
  std::int64_t text_bytes() const;
  std::int64_t vocab_size() const;
  TokenId eos() const;
  const Manifest& manifest() const;
  const std::filesystem::path& folder() const;
  Split split() const;

  /// Copies tokens [first, first + out.size()). Error(usage) outside [0, tokens()]; Error(bad_input) for
  /// damaged bytes and an id outside the vocabulary.
  void read(std::int64_t first, std::span<TokenId> out) const;
  /// Where a document starts. document_start(documents()) is tokens().
  std::int64_t document_start(std::int64_t document) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace nestor::corpus
