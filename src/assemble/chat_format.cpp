#include "assemble/chat_format.h"

#include "base/error.h"
#include "base/file.h"
#include "chat/default_template.h"
#include "chat/render_request.h"

namespace nestor::assemble {
namespace {

constexpr std::uint64_t kMostBytes = 16U << 20;

// A token's text: a string, or an object with its content (both forms are in use).
std::optional<std::string> token_text(const Json& config, const char* key) {
  const auto it = config.find(key);
  if (it == config.end()) return std::nullopt;
  if (it->is_string()) return it->get<std::string>();
  if (it->is_object() && it->contains("content") && it->at("content").is_string()) {
    return it->at("content").get<std::string>();
  }
  return std::nullopt;
}

Json read_tokenizer_config(const std::filesystem::path& folder) {
  const auto path = folder / "tokenizer_config.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Json::object();
  Json read = read_json(path, kMostBytes);
  if (!read.is_object()) {
    fail(ErrorKind::bad_input, "{}: expected an object, found {}", path.string(), kind_of(read));
  }
  return read;
}

// The template of a tokenizer_config.json: a string, or a list of named ones of which "default" is meant.
std::optional<std::string> template_text(const Json& config, const std::string& what) {
  const auto it = config.find("chat_template");
  if (it == config.end() || it->is_null()) return std::nullopt;
  if (it->is_string()) return it->get<std::string>();
  if (it->is_array()) {
    for (const Json& entry : *it) {
      if (entry.is_object() && entry.contains("name") && entry.at("name") == "default" &&
          entry.contains("template") && entry.at("template").is_string()) {
        return entry.at("template").get<std::string>();
      }
    }
  }
  fail(ErrorKind::bad_input, "{}: chat_template must be a string or a list with one named default", what);
}

}  // namespace

ChatFormat::ChatFormat(chat::Template parsed, std::optional<std::string> bos, std::optional<std::string> eos)
    : template_(std::move(parsed)), bos_token_(std::move(bos)), eos_token_(std::move(eos)) {}

ChatFormat ChatFormat::open(const std::filesystem::path& folder_or_file) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder_or_file, error)) {
    const std::string source = read_file(folder_or_file, kMostBytes);
    return {chat::Template::parse(source, folder_or_file.string()), std::nullopt, std::nullopt};
  }
  const Json tokenizer_config = read_tokenizer_config(folder_or_file);
  const auto config_path = folder_or_file / "tokenizer_config.json";
  std::string name = (folder_or_file / "chat_template.jinja").string();
  std::string source;
  if (std::filesystem::exists(name, error)) {
    source = read_file(name, kMostBytes);
  } else if (const auto inside = template_text(tokenizer_config, config_path.string())) {
    name = config_path.string() + ": chat_template";
    source = *inside;
  } else {
    name = "built-in chat template";
    source = chat::default_template();
  }
  return {chat::Template::parse(source, name), token_text(tokenizer_config, "bos_token"),
          token_text(tokenizer_config, "eos_token")};
}

ChatFormat ChatFormat::open(const std::filesystem::path& folder, const std::filesystem::path& template_file) {
  const Json tokenizer_config = read_tokenizer_config(folder);
  return {chat::Template::parse(read_file(template_file, kMostBytes), template_file.string()),
          token_text(tokenizer_config, "bos_token"), token_text(tokenizer_config, "eos_token")};
}

chat::Rendered ChatFormat::render(const Json& request, const chat::LocalTime& clock) const {
  if (!request.is_object())
    fail(ErrorKind::bad_input, "expected an object with messages, found {}", kind_of(request));
  Json input = request;
  if (bos_token_ && !input.contains("bos_token")) input["bos_token"] = *bos_token_;
  if (eos_token_ && !input.contains("eos_token")) input["eos_token"] = *eos_token_;
  const chat::RenderRequest parsed = chat::parse_render_request(input, clock);
  return template_.render(parsed.variables, parsed.now);
}

std::vector<TokenId> ChatFormat::encode(const chat::Rendered& rendered,
                                        const tokenizer::Tokenizer& tokenizer) {
  return tokenizer.encode(rendered.text, tokenizer::PostProcess::omit,
                          tokenizer::ControlTokens::within(rendered.from_template));
}

}  // namespace nestor::assemble
