// Normalizer and pre-tokenizer of a tokenizer.json.
#include <array>
#include <utility>

#include "base/error.h"
#include "tokenizer/component_sequence.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/tokenizer_json.h"

namespace nestor::tokenizer {
namespace {

// GPT-2's, built into the reference's ByteLevel.
constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// {"Regex": "..."} or {"String": "..."}.
Regex read_pattern(const Json& json, const std::string& where) {
  JsonFields fields(json, where);
  if (const Json* text = fields.find("String")) {
    fields.expect_no_more();
    return Regex::literal(as_string(*text, where), where);
  }
  const std::string& pattern = fields.require_string("Regex");
  fields.expect_no_more();
  return Regex(pattern, where);
}

SplitBehavior read_behavior(const Json& json, std::string_view where) {
  using enum SplitBehavior;
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kNames = {
      {{"Removed", removed},
       {"Isolated", isolated},
       {"MergedWithPrevious", merged_with_previous},
       {"MergedWithNext", merged_with_next},
       {"Contiguous", contiguous}}};
  const std::string& name = as_string(json, where);
  for (const auto& [known, behavior] : kNames) {
    if (name == known) return behavior;
  }
  fail(ErrorKind::unsupported,
       "{}: {} is not known; Removed, Isolated, MergedWithPrevious, MergedWithNext and Contiguous are", where,
       in_quotes(name));
}

PatternSplit read_split(JsonFields& fields) {
  Regex pattern = read_pattern(fields.require("pattern"), fields.where() + ": pattern");
  const SplitBehavior behavior = read_behavior(fields.require("behavior"), fields.where() + ": behavior");
  const Delimiters delimiters = fields.require_bool("invert") ? Delimiters::gaps : Delimiters::matches;
  return {std::move(pattern), behavior, delimiters};
}

ByteLevel read_byte_level(JsonFields& fields) {
  const bool prefix = fields.require_bool("add_prefix_space");
  fields.bool_or("trim_offsets", true);  // offsets only
  ByteLevel stage{prefix ? PrefixSpace::add : PrefixSpace::omit, std::nullopt};
  if (fields.bool_or("use_regex", true)) stage.pattern.emplace(kByteLevelPattern, fields.where());
  return stage;
}

ClassSplit read_digits(JsonFields& fields) {
  return {CharacterClass::numeric,
          fields.require_bool("individual_digits") ? SplitBehavior::isolated : SplitBehavior::contiguous};
}

ClassSplit read_punctuation(JsonFields& fields) {
  const Json* behavior = fields.find("behavior");
  return {CharacterClass::punctuation, behavior == nullptr
                                           ? SplitBehavior::isolated
                                           : read_behavior(*behavior, fields.where() + ": behavior")};
}

}  // namespace

std::vector<NormalizerStep> read_normalizer(const Json& json, std::string_view where) {
  std::vector<NormalizerStep> steps;
  for_each_component(json, where, "normalizers", [&](JsonFields& fields, const std::string& type) {
    if (type == "NFC") {
      steps.emplace_back(UnicodeForm::nfc);
    } else if (type == "NFKC") {
      steps.emplace_back(UnicodeForm::nfkc);
    } else if (type == "Lowercase") {
      steps.emplace_back(Lowercase{});
    } else if (type == "Replace") {
      Regex pattern = read_pattern(fields.require("pattern"), fields.where() + ": pattern");
      steps.emplace_back(Replace{std::move(pattern), fields.require_string("content")});
    } else {
      fail(ErrorKind::unsupported,
           "{}: the type {} is not supported; NFC, NFKC, Lowercase, Replace and Sequence are", fields.where(),
           in_quotes(type));
    }
  });
  return steps;
}

std::vector<PreTokenizerStage> read_pre_tokenizer(const Json& json, std::string_view where) {
  std::vector<PreTokenizerStage> stages;
  for_each_component(json, where, "pretokenizers", [&](JsonFields& fields, const std::string& type) {
    if (type == "Split") {
      stages.emplace_back(read_split(fields));
    } else if (type == "ByteLevel") {
      stages.emplace_back(read_byte_level(fields));
    } else if (type == "Digits") {
      stages.emplace_back(read_digits(fields));
    } else if (type == "Punctuation") {
      stages.emplace_back(read_punctuation(fields));
    } else {
      fail(ErrorKind::unsupported,
           "{}: the type {} is not supported; Split, ByteLevel, Digits, Punctuation and Sequence are",
           fields.where(), in_quotes(type));
    }
  });
  return stages;
}

}  // namespace nestor::tokenizer
