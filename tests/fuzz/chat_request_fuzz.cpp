// Any bytes as the body of /v1/chat/completions: messages as templates expect them, or an error that says why
// not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "serve/api/chat_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto request =
        nestor::serve::read_chat_request(nestor::parse_json(text, "the request body"), {}, 1);
    for (const auto& message : request.messages) {
      if (!message.at("content").is_string()) std::abort();
    }
    if (request.tools.empty() && request.tool_choice.kind != nestor::serve::ToolChoice::Kind::none)
      std::abort();
  } catch (const nestor::Error& error) {
    if (error.kind() == nestor::ErrorKind::internal || error.kind() == nestor::ErrorKind::io) std::abort();
  }
  return 0;
}
