// The safetensors file format: an 8-byte little-endian header length, a JSON header, the tensors' bytes.
// Everything in the header is checked before it is believed: sizes, offsets, overlaps, gaps, names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace nestor::checkpoint {

inline constexpr std::uint64_t kMostHeaderBytes = 256U << 20;

struct TensorEntry {
  std::string name;
  DType dtype{};
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // bytes from the start of the file
  std::uint64_t bytes = 0;
};

/// The entries of a file, in the order of its header. `head` holds at least the first 8 + header length bytes
/// (more is fine), `file_bytes` is the size of the whole file. Throws Error(bad_input) naming `what`.
std::vector<TensorEntry> parse_safetensors(std::span<const std::byte> head, std::uint64_t file_bytes,
                                           std::string_view what);

/// "[3, 4]"
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace nestor::checkpoint
