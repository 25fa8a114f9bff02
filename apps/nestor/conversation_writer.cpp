#include "conversation_writer.h"

#include <memory>
#include <optional>

#include "assemble/chat_format.h"
#include "base/json.h"

namespace nestor::app {

corpus::ConversationWriter conversation_writer(const std::filesystem::path& tokenizer) {
  std::error_code error;
  const auto folder = std::filesystem::is_directory(tokenizer, error) ? tokenizer : tokenizer.parent_path();
  auto format = std::make_shared<std::optional<assemble::ChatFormat>>();
  return [folder, format](const Json& line) {
    if (!*format) *format = assemble::ChatFormat::open(folder.empty() ? "." : folder);
    // A clock that stands still: the same sources give the same corpus.
    chat::Rendered written =
        (*format)->render({{"messages", line.at("messages")}, {"tools", line.value("tools", Json())}}, {});
    return corpus::WrittenConversation{std::move(written.text), std::move(written.from_template)};
  };
}

}  // namespace nestor::app
