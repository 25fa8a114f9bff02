// Reads the .npy and .npz files that the oracles write: little-endian float32 or int64, C order, .npz not
// compressed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nestor::testing {

struct Array {
  std::vector<std::int64_t> shape;
  std::vector<float> floats;        // of a float32 file
  std::vector<std::int64_t> whole;  // of an int64 file

  std::int64_t rows() const { return shape.empty() ? 0 : shape[0]; }
  std::int64_t cols() const { return shape.size() < 2 ? 1 : shape[1]; }
};

Array read_npy(const std::filesystem::path& path);
Array parse_npy(std::string_view bytes);
std::map<std::string, Array> read_npz(const std::filesystem::path& path);

}  // namespace nestor::testing
