// Any bytes through the JSON door: refused with bad_input, or a document that survives writing and reading.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  nestor::Json value;
  try {
    value = nestor::parse_json(text, "input");
  } catch (const nestor::Error& error) {
    if (error.kind() != nestor::ErrorKind::bad_input) std::abort();
    return 0;
  }
  const std::string written = nestor::to_text(value);
  if (nestor::to_text(nestor::parse_json(written, "written")) != written) std::abort();
  return 0;
}
