// The post-processor of a tokenizer.json. ByteLevel changes offsets only, so at most one component says what
// to add.
#include <map>
#include <optional>

#include "base/error.h"
#include "tokenizer/component_sequence.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/tokenizer_json.h"

namespace nestor::tokenizer {
namespace {

// A template repeats the text as often as it says; more than this is no template but an attack on memory.
constexpr std::size_t kMaxTemplatePieces = 256;

using SpecialTokens = std::map<std::string, IdsPiece, std::less<>>;

SpecialTokens read_special_tokens(const Json& json, const std::string& where) {
  if (!json.is_object()) fail(ErrorKind::bad_input, "{}: expected an object, found {}", where, kind_of(json));
  SpecialTokens tokens;
  for (const auto& [name, value] : json.items()) {
    JsonFields fields(value, fmt::format("{}: {}", where, in_quotes(name)));
    fields.require_string("id");
    const Json& ids = fields.require_array("ids");
    const Json& contents = fields.require_array("tokens");
    fields.expect_no_more();
    if (ids.size() != contents.size()) {
      fail(ErrorKind::bad_input, "{}: {} ids and {} tokens; each token needs its id", fields.where(),
           ids.size(), contents.size());
    }
    IdsPiece& piece = tokens[name];
    for (const Json& id : ids) piece.push_back(as_token_id(id, fields.where(), name));
  }
  return tokens;
}

TemplatePiece read_template_piece(const Json& json, const SpecialTokens& tokens, const std::string& where) {
  JsonFields outer(json, where);
  const Json* sequence = outer.find("Sequence");
  JsonFields fields(sequence != nullptr ? *sequence : outer.require("SpecialToken"), where);
  outer.expect_no_more();
  const std::string& id = fields.require_string("id");
  fields.find("type_id");  // segment numbers, which no model here uses
  fields.expect_no_more();
  if (sequence != nullptr) {
    if (id != "A") {
      fail(ErrorKind::bad_input, "{}: the template for one text names the sequence {}; only \"A\" exists",
           where, in_quotes(id));
    }
    return TextPiece{};
  }
  const auto at = tokens.find(id);
  if (at == tokens.end()) {
    fail(ErrorKind::bad_input, "{}: the token {} is not among the template's special_tokens", where,
         in_quotes(id));
  }
  return at->second;
}

std::vector<TemplatePiece> read_template(JsonFields& fields) {
  const SpecialTokens tokens =
      read_special_tokens(fields.require("special_tokens"), fields.where() + ": special_tokens");
  const Json& single = fields.require_array("single");
  fields.find("pair");  // Nestor encodes one text at a time
  if (single.size() > kMaxTemplatePieces) {
    fail(ErrorKind::unsupported, "{}: single has {} pieces; at most {} are supported", fields.where(),
         single.size(), kMaxTemplatePieces);
  }
  std::vector<TemplatePiece> pieces;
  for (std::size_t i = 0; i < single.size(); ++i) {
    pieces.push_back(
        read_template_piece(single[i], tokens, fmt::format("{}: single[{}]", fields.where(), i)));
  }
  return pieces;
}

// BertProcessing and RobertaProcessing: [content, id] of the token in front and of the one behind.
IdsPiece read_content_and_id(JsonFields& fields, std::string_view key) {
  const Json& pair = fields.require_array(key);
  if (pair.size() != 2 || !pair[0].is_string()) {
    fail(ErrorKind::bad_input, "{}: {} must be a token and its id", fields.where(), key);
  }
  return {as_token_id(pair[1], fields.where(), pair[0].get_ref<const std::string&>())};
}

std::vector<TemplatePiece> read_both_ends(JsonFields& fields) {
  IdsPiece end = read_content_and_id(fields, "sep");
  IdsPiece begin = read_content_and_id(fields, "cls");
  return {std::move(begin), TextPiece{}, std::move(end)};
}

}  // namespace

std::vector<TemplatePiece> read_post_processor(const Json& json, std::string_view where) {
  std::optional<std::vector<TemplatePiece>> pieces;
  const auto set = [&](std::vector<TemplatePiece> value) {
    if (pieces) {
      fail(ErrorKind::unsupported, "{}: two components of the sequence add tokens; only one may", where);
    }
    pieces = std::move(value);
  };
  for_each_component(json, where, "processors", [&](JsonFields& fields, const std::string& type) {
    const auto ignore_offsets = [&] {
      for (const auto* option : {"add_prefix_space", "trim_offsets", "use_regex"})
        fields.bool_or(option, true);
    };
    if (type == "ByteLevel") {
      ignore_offsets();
    } else if (type == "TemplateProcessing") {
      set(read_template(fields));
    } else if (type == "BertProcessing") {
      set(read_both_ends(fields));
    } else if (type == "RobertaProcessing") {
      ignore_offsets();
      set(read_both_ends(fields));
    } else {
      fail(ErrorKind::unsupported,
           "{}: the type {} is not supported; ByteLevel, TemplateProcessing, BertProcessing, "
           "RobertaProcessing and "
           "Sequence are",
           fields.where(), in_quotes(type));
    }
  });
  return pieces.value_or(std::vector<TemplatePiece>{TextPiece{}});
}

}  // namespace nestor::tokenizer
