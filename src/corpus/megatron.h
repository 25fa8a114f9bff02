// Token shards as Megatron-LM keeps them: NAME.bin with ids after each other, NAME.idx with the lengths of
// sequences and which of them make a document.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "corpus/shard_writer.h"

namespace nestor::corpus {

/// Contents of an .idx. Offsets and lengths lie inside the .bin of `bin_bytes` bytes.
struct MegatronIndex {
  std::int64_t id_bytes = 0;  // 1, 2, 4 or 8
  bool is_signed = true;
  std::vector<std::uint64_t> begins;     // byte of the first id of each sequence
  std::vector<std::uint64_t> lengths;    // ids of each sequence
  std::vector<std::uint64_t> documents;  // the first sequence of each document, and their number last
};

/// Reads an .idx from memory; `what` names it. Throws Error: bad_input for anything that contradicts itself
/// or the size of the .bin, unsupported for another version or type of ids.
MegatronIndex parse_megatron_index(std::string_view bytes, std::uint64_t bin_bytes, std::string_view what);

/// The .idx that is meant by "NAME.idx", "NAME.bin" or "NAME", if both files are there.
std::optional<std::filesystem::path> megatron_index(const std::filesystem::path& named);
/// The .bin beside an .idx.
std::filesystem::path megatron_ids(const std::filesystem::path& index);

class MegatronReader {
 public:
  /// Throws Error: what parse_megatron_index throws, not_found, io.
  explicit MegatronReader(const std::filesystem::path& index);
  ~MegatronReader();

  /// The ids of the next document; false at the end. Error(bad_input) for an id outside [0, vocab_size).
  bool next(std::vector<TokenId>& ids, std::int64_t vocab_size);
  /// Bytes of the .bin up to here.
  std::uint64_t consumed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes SPLIT.bin and SPLIT.idx: each document one sequence, ids as uint16 with id_bytes 2, else int32.
class MegatronWriter : public SplitWriter {
 public:
  MegatronWriter(const std::filesystem::path& folder, Split split, std::int64_t id_bytes);
  ~MegatronWriter() override;

  void add(std::span<const TokenId> ids, std::int64_t text_bytes) override;
  SplitSummary finish() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
