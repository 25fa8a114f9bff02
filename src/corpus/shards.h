// Token shards: a folder with packed documents as token ids, mapped when read. Every document ends with EOS.
//   corpus.json       what it is: tokenizer fingerprint, vocabulary, EOS, documents, tokens, bytes of text, per split
//   train-00000.ids, ..., heldout-00000.ids   ids, little-endian, 16 bits where the vocabulary fits, else 32
//   train.docs, heldout.docs                  first token of each document, 64 bits
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/token_id.h"

namespace nestor::corpus {

enum class Split { train, heldout };

/// One split of a corpus, mapped and checked. Const and thread-safe after construction.
class Shards {
 public:
  /// Throws Error: not_found, or bad_input for a folder that is no corpus or damaged.
  Shards(const std::filesystem::path& folder, Split split);
  ~Shards();

  std::int64_t tokens() const;
  std::int64_t documents() const;
  std::int64_t text_bytes() const;
  std::int64_t vocab_size() const;
  TokenId eos() const;

  /// Copies tokens [first, first + out.size()); within range.
  void read(std::int64_t first, std::span<TokenId> out) const;
  /// The document that holds a token, and where it starts.
  std::int64_t document_at(std::int64_t token) const;
  std::int64_t document_start(std::int64_t document) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
