// How a checkpoint wants conversations written: its template, and the special tokens that the template may
// name.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/token_id.h"
#include "chat/template.h"
#include "tokenizer/tokenizer.h"

namespace nestor::assemble {

class ChatFormat {
 public:
  /// From a checkpoint folder: chat_template.jinja, else chat_template of tokenizer_config.json, else the
  /// built-in default. From a file: that template.
  static ChatFormat open(const std::filesystem::path& folder_or_file);
  /// The special tokens of a checkpoint folder with the template of a file.
  static ChatFormat open(const std::filesystem::path& folder, const std::filesystem::path& template_file);

  /// Renders what apply_chat_template would: `request` holds messages, tools, add_generation_prompt and other
  /// variables. bos_token and eos_token of tokenizer_config.json are variables unless the request has its
  /// own.
  chat::Rendered render(const Json& request, const chat::LocalTime& clock) const;

  /// The ids of a rendered prompt. Control tokens count only where the template wrote them, so that text from
  /// outside cannot forge a role; nothing is added before or after.
  static std::vector<TokenId> encode(const chat::Rendered& rendered, const tokenizer::Tokenizer& tokenizer);

 private:
  ChatFormat(chat::Template parsed, std::optional<std::string> bos, std::optional<std::string> eos);

  chat::Template template_;
  std::optional<std::string> bos_token_;
  std::optional<std::string> eos_token_;
};

}  // namespace nestor::assemble
