// Any bytes as a safetensors file: refused with bad_input, or a list of tensors that lie inside the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<nestor::checkpoint::TensorEntry> entries;
  try {
    entries = nestor::checkpoint::parse_safetensors(std::as_bytes(std::span(data, size)), size, "input");
  } catch (const nestor::Error& error) {
    if (error.kind() != nestor::ErrorKind::bad_input) std::abort();
    return 0;
  }
  for (const auto& tensor : entries) {
    std::uint64_t bytes = nestor::size_of(tensor.dtype);
    for (const std::int64_t d : tensor.shape) bytes *= static_cast<std::uint64_t>(d);
    if (tensor.begin > size || tensor.bytes > size - tensor.begin || tensor.bytes != bytes) std::abort();
  }
  return 0;
}
