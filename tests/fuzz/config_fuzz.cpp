// Any bytes as a config.json: refused with an Error, or a configuration whose parameters can be counted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "config/footprint.h"
#include "config/parse_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  nestor::config::ModelConfig config;
  try {
    config = nestor::config::parse_config(nestor::parse_json(text, "input"), "input");
  } catch (const nestor::Error& error) {
    if (error.kind() != nestor::ErrorKind::bad_input && error.kind() != nestor::ErrorKind::unsupported)
      std::abort();
    return 0;
  }
  constexpr std::int64_t kQuickToCount = 10'000;  // tensors; counting millions of them is slow, not wrong
  if (config.num_layers * config.n_routed_experts < kQuickToCount) {
    if (nestor::config::footprint_of(config).total <= 0) std::abort();
  }
  return 0;
}
