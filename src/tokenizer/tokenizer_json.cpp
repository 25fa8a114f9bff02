#include "tokenizer/tokenizer_json.h"

#include <unordered_map>

#include "base/error.h"
#include "tokenizer/json_fields.h"

namespace nestor::tokenizer {
namespace {

// A setting that a training pipeline left in the file; it says nothing about the ids of a text.
void pass_over(JsonFields& fields, std::string_view key, std::string_view what,
               std::vector<std::string>& notes) {
  const Json* value = fields.find(key);
  if (value == nullptr || value->is_null()) return;
  if (!value->is_object()) {
    fail(ErrorKind::bad_input, "{}: {} must be an object or null, found {}", fields.where(), key,
         kind_of(*value));
  }
  notes.push_back(
      fmt::format("{}: {} is set, which has no effect here: texts are never {}", fields.where(), key, what));
}

void check_version(JsonFields& fields) {
  const Json* version = fields.find("version");
  if (version != nullptr && as_string(*version, fields.where() + ": version") != "1.0") {
    fail(ErrorKind::unsupported, "{}: version {}; only \"1.0\" is known", fields.where(),
         in_quotes(version->get_ref<const std::string&>()));
  }
}

std::vector<AddedToken> read_added_tokens(const Json& list, const std::string& where) {
  std::vector<AddedToken> tokens;
  std::unordered_map<std::string, AddedToken> by_content;
  for (std::size_t i = 0; i < as_array(list, where).size(); ++i) {
    JsonFields fields(list[i], fmt::format("{}[{}]", where, i));
    AddedToken token;
    token.content = fields.require_string("content");
    token.id = as_token_id(fields.require("id"), fields.where(), token.content);
    token.single_word = fields.require_bool("single_word");
    token.lstrip = fields.require_bool("lstrip");
    token.rstrip = fields.require_bool("rstrip");
    token.normalized = fields.require_bool("normalized");
    token.special = fields.require_bool("special");
    fields.expect_no_more();
    const auto [known, is_new] = by_content.emplace(token.content, token);
    if (is_new) {
      tokens.push_back(std::move(token));
    } else if (known->second != token) {
      fail(ErrorKind::bad_input, "{}: the added token {} is listed twice, with different ids or flags",
           fields.where(), in_quotes(token.content));
    }
  }
  return tokens;
}

// The byte-level decoder's own options have no effect on decoding.
void check_decoder(const Json* decoder, const std::string& where) {
  if (decoder == nullptr || decoder->is_null()) {
    fail(ErrorKind::unsupported, "{}: there is no decoder; only ByteLevel is supported", where);
  }
  JsonFields fields(*decoder, where);
  const std::string& type = fields.require_string("type");
  if (type != "ByteLevel") {
    fail(ErrorKind::unsupported, "{}: the type {} is not supported; ByteLevel is", where, in_quotes(type));
  }
  for (const auto* option : {"add_prefix_space", "trim_offsets", "use_regex"}) fields.bool_or(option, true);
  fields.expect_no_more();
}

const Json& or_null(const Json* value) {
  static const Json null;
  return value == nullptr ? null : *value;
}

}  // namespace

TokenizerDescription read_tokenizer_json(const Json& json, std::string_view what) {
  JsonFields fields(json, std::string(what));
  const auto where = [&](std::string_view part) { return fmt::format("{}: {}", what, part); };
  TokenizerDescription description;
  check_version(fields);
  pass_over(fields, "truncation", "cut", description.notes);
  pass_over(fields, "padding", "padded", description.notes);
  description.model = read_model(fields.require("model"), where("model"));
  if (const Json* added = fields.find("added_tokens")) {
    description.added_tokens = read_added_tokens(*added, where("added_tokens"));
  }
  description.normalizer = read_normalizer(or_null(fields.find("normalizer")), where("normalizer"));
  description.pre_tokenizer =
      read_pre_tokenizer(or_null(fields.find("pre_tokenizer")), where("pre_tokenizer"));
  description.post_processor =
      read_post_processor(or_null(fields.find("post_processor")), where("post_processor"));
  check_decoder(fields.find("decoder"), where("decoder"));
  fields.expect_no_more();
  return description;
}

}  // namespace nestor::tokenizer
