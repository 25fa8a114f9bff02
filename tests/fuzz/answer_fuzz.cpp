// Any bytes as a model's answer. The first byte cuts it into pieces: that must change nothing, and arguments
// of calls are JSON objects.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "chat/answer_parser.h"

using namespace nestor;
using namespace nestor::chat;

namespace {

void add(std::string& out, char& last, const AnswerEvents& events) {
  for (const AnswerEvent& event : events) {
    if (const auto* call = std::get_if<ToolCall>(&event)) {
      if (!Json::accept(call->arguments) || call->arguments.front() != '{') std::abort();
      out += "\x01t" + call->name + call->arguments;
      last = 't';
      continue;
    }
    const auto* content = std::get_if<ContentDelta>(&event);
    const char kind = content != nullptr ? 'c' : 'r';
    if (kind != last) out += std::string("\x01") + kind;
    out += content != nullptr ? content->text : std::get<ReasoningDelta>(event).text;
    last = kind;
  }
}

std::string read(std::string_view text, std::size_t piece) {
  static const ToolSet tools(parse_json(
      R"([{"function": {"name": "f", "parameters": {"properties": {"s": {"type": "string"}}}}}])", "tools"));
  AnswerParser parser(tools);
  std::string out;
  char last = 0;
  for (std::size_t at = 0; at < text.size(); at += piece) add(out, last, parser.push(text.substr(at, piece)));
  add(out, last, parser.finish());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(text, size) != read(text, 1U + data[0] % 40)) std::abort();
  return 0;
}
