// Bytes of a safetensors file from a header and a body, well-formed or not.
#pragma once

#include <cstdint>
#include <string>

namespace nestor::testing {

/// `header` behind its length (or behind another one), then the body.
inline std::string with_length(std::uint64_t length, const std::string& header, const std::string& body) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes + header + body;
}

inline std::string file_text(const std::string& header, std::size_t body_bytes) {
  return with_length(header.size(), header, std::string(body_bytes, 'x'));
}

/// A file with one float32 tensor [1] of that name.
inline std::string one_tensor(const std::string& name) {
  return file_text(R"({")" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
}

}  // namespace nestor::testing
