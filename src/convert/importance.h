// How much the columns of matrices matter, as `nestor eval --write-importance` measures it: mean squares of
// what each matrix is multiplied with. An error of a weight costs its square times that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "config/tensor_list.h"

namespace nestor::convert {

class Importance {
 public:
  /// Nothing is known: all columns count the same.
  Importance() = default;

  /// From a safetensors file of float32 vectors named like matrices. Throws Error: io, limit, or bad_input
  /// for another kind of file and values that are no mean squares.
  static Importance read(const std::filesystem::path& file);

  /// Error(bad_input) if a vector has no matrix in the model, or another length than its rows.
  void check_against(const config::ModelConfig& config, const config::NameLayout& layout) const;

  /// One value for each column of the tensor, or nothing where none was measured.
  std::span<const float> of(const config::TensorInfo& tensor) const;

  bool empty() const { return columns_.empty(); }
  /// Of the file's bytes.
  std::uint64_t checksum() const { return checksum_; }

 private:
  std::filesystem::path file_;
  std::map<std::string, std::vector<float>, std::less<>> columns_;
  std::uint64_t checksum_ = 0;
};

}  // namespace nestor::convert
