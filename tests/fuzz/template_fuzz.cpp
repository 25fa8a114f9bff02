// Any bytes as a chat template, with a part of them as the user's message: only nestor::Error may come out.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "chat/template.h"

using namespace nestor;
using namespace nestor::chat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The template goes up to the first zero byte, the message follows.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  const std::string content = sanitized_utf8(input.substr(std::min(end + 1, size)));
  const Variables variables = {
      {"messages", Json::array({{{"role", "user"}, {"content", content}}}), Origin::input},
      {"d", {{"b", 2}, {"a", {1, 2.5, nullptr}}, {"items", content}}, Origin::input},
      {"l", {3, 1, 2, 1}, Origin::input},
      {"s", content, Origin::input},
  };
  const Limits small{.output_bytes = 1 << 16, .work_bytes = 1 << 22, .steps = 20'000};
  try {
    Template::parse(input.substr(0, end), "fuzz").render(variables, LocalTime{}, small);
  } catch (const Error&) {
  }
  return 0;
}
