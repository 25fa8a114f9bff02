// Any bytes as the body of /v1/completions: a request within its limits, or an error that says why not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "serve/api/completion_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const nestor::serve::GenerationDefaults defaults;
  try {
    const auto request =
        nestor::serve::read_completion_request(nestor::parse_json(text, "the request body"), defaults, 1);
    const auto choices = request.settings.n * static_cast<std::int64_t>(request.prompts.size());
    if (choices < 1 || choices > defaults.most_choices) std::abort();
  } catch (const nestor::Error& error) {
    if (error.kind() == nestor::ErrorKind::internal || error.kind() == nestor::ErrorKind::io) std::abort();
  }
  return 0;
}
