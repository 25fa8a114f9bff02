// A checkpoint folder: its safetensors files, mapped, with one name space of tensors. Those are the files
// that model.safetensors.index.json names, which is checked against them, or all where there is none.
// Symbolic links are followed, so a snapshot of the Hugging Face cache is a folder.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_fwd.h"
#include "checkpoint/safetensors.h"

namespace nestor::checkpoint {

/// One tensor where it lies. Valid as long as its Checkpoint.
struct StoredTensor {
  const TensorEntry* entry = nullptr;
  const InputFile* file = nullptr;
  const MappedFile* mapping = nullptr;

  std::span<const std::byte> bytes() const {
    return mapping->bytes().subspan(static_cast<std::size_t>(entry->begin),
                                    static_cast<std::size_t>(entry->bytes));
  }
};

/// Opens and maps; nothing is copied. Not thread-safe to construct, const afterwards.
class Checkpoint {
 public:
  /// Throws Error: not_found without any file (what is there instead is named), bad_input for a malformed
  /// file, a name that two files share, or an index that disagrees.
  explicit Checkpoint(const std::filesystem::path& folder);

  /// The tensor of that name, or null.
  const StoredTensor* find(std::string_view name) const;

  /// All tensors by name.
  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }

  /// Bytes of all files.
  std::uint64_t file_bytes() const;

  /// Names of *.safetensors files that the index does not know; nothing reads them.
  const std::vector<std::string>& unused_files() const { return unused_files_; }

  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct File {
    explicit File(const std::filesystem::path& path);
    InputFile input;
    MappedFile mapping;
    std::vector<TensorEntry> entries;
  };

  void add_file(const std::filesystem::path& path);
  void check_index(const Json& weight_map) const;

  std::filesystem::path folder_;
  std::vector<std::unique_ptr<File>> files_;
  std::vector<std::string> unused_files_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

}  // namespace nestor::checkpoint
