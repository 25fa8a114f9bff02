// corpus.json: what a folder of token shards holds and how it came about. Not the tokens: shards.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/token_id.h"

namespace nestor::corpus {

inline constexpr std::string_view kManifestName = "corpus.json";
inline constexpr std::int64_t kManifestVersion = 1;
/// corpus.json with many sources stays far below.
inline constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{64} << 20;
/// Ids in one file of a split, and files of a split (their names have five digits).
inline constexpr std::int64_t kMaxTokensPerFile = std::int64_t{1} << 40;
inline constexpr std::int64_t kMaxFilesPerSplit = 100000;
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << 48;

struct SplitSummary {
  std::int64_t documents = 0;
  std::int64_t tokens = 0;                     // the EOS of every document included
  std::int64_t text_bytes = 0;                 // UTF-8, without the EOS
  std::optional<std::uint32_t> checksum = {};  // CRC-32C of the file of checksums; older corpora have none

  bool operator==(const SplitSummary&) const = default;
};

/// What was left out while packing.
struct Removed {
  std::int64_t empty_documents = 0;
  std::int64_t duplicate_documents = 0;
  std::int64_t duplicate_bytes = 0;
  std::int64_t repeated_lines = 0;
  std::int64_t repeated_line_bytes = 0;
  std::int64_t bad_lines = 0;

  bool operator==(const Removed&) const = default;
};

struct Manifest {
  std::string tokenizer;  // its fingerprint: corpus_tokenizer.h
  std::int64_t vocab_size = 0;
  TokenId eos = 0;
  std::int64_t id_bytes = 2;         // 2 where the vocabulary has at most 65536 ids, else 4
  std::int64_t tokens_per_file = 0;  // every file of a split but the last holds as many
  SplitSummary train, heldout;
  double heldout_fraction = 0;
  Removed removed;
  std::vector<std::string> sources;  // as they were named

  bool operator==(const Manifest&) const = default;
};

/// What to do about a damaged corpus.
inline constexpr const char* kPackAgain =
    "remove the corpus and pack it again (nestor train --resume does that with its own)";

/// Bytes of an id for a vocabulary.
std::int64_t id_bytes_for(std::int64_t vocab_size);

/// Reads corpus.json from memory; `what` names it in messages. Throws Error: bad_input for anything that
/// contradicts itself or has a key that nothing knows, unsupported for another version.
Manifest parse_manifest(std::string_view json, std::string_view what);

Json to_json(const Manifest& manifest);

}  // namespace nestor::corpus
