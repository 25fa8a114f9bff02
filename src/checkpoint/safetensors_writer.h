// Writes one safetensors file: the header first, from the list of what will come, then the bytes in that
// order.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/file.h"

namespace nestor::checkpoint {

struct PlannedTensor {
  std::string name;
  DType dtype{};
  std::vector<std::int64_t> shape;

  std::uint64_t bytes() const;
};

/// Where the first tensor begins: at a multiple of 64 bytes, or of 4096.
enum class BodyStart { cache_line = 64, page = 4096 };

/// The file appears under its name only after finish(), complete and synced.
class SafetensorsWriter {
 public:
  /// Tensors are written in the order of `plan`; the header is padded so that the first begins as asked.
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<PlannedTensor>& plan,
                    BodyStart start = BodyStart::cache_line);

  /// The next bytes of the body, in order, in pieces of any size.
  void append(std::span<const std::byte> bytes);

  /// Error(internal) if the bytes do not add up to the plan.
  void finish();

 private:
  OutputFile file_;
  std::uint64_t expected_ = 0;
  std::uint64_t written_ = 0;
};

/// A file of a checkpoint and what is in it.
struct WrittenFile {
  std::string name;
  std::vector<PlannedTensor> tensors;
};

/// The text of model.safetensors.index.json, which says what is in which file.
std::string index_text(std::span<const WrittenFile> files);

}  // namespace nestor::checkpoint
