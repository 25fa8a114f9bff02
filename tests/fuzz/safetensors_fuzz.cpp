// Any bytes as a safetensors file, and any bytes as the header of one: refused with bad_input, or a list of
// tensors that cover the body exactly.
//
// Input: the first two bytes are the size of the body for the second reading.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "checkpoint/safetensors.h"

namespace {

void check(std::string_view head, std::uint64_t file_bytes) {
  using namespace nestor::checkpoint;
  std::vector<TensorEntry> entries;
  try {
    entries = parse_safetensors(std::as_bytes(std::span(head)), file_bytes, "fuzz");
  } catch (const nestor::Error& error) {
    if (error.kind() != nestor::ErrorKind::bad_input) std::abort();
    return;
  }
  std::uint64_t header = 0;
  for (std::size_t i = 8; i-- > 0;) header = header << 8 | static_cast<unsigned char>(head[i]);
  std::uint64_t covered = 0;
  for (const TensorEntry& t : entries) {
    std::uint64_t bytes = nestor::size_of(t.dtype);
    for (const std::int64_t d : t.shape) bytes *= static_cast<std::uint64_t>(d);
    if (bytes != t.bytes || t.begin < 8 + header || t.begin > file_bytes || t.bytes > file_bytes - t.begin) {
      std::abort();
    }
    covered += t.bytes;
  }
  if (8 + header + covered != file_bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(input, input.size());
  if (size < 2) return 0;
  const std::uint64_t body = data[0] + std::uint64_t{256} * data[1];
  const std::string_view text = input.substr(2);
  std::string head(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) head[i] = static_cast<char>(text.size() >> (8 * i));
  head += text;
  check(head, head.size() + body);
  return 0;
}
