#include "tokenizer/longcat_family.h"

#include <array>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer_json.h"

namespace nestor::tokenizer {
namespace {

// The three patterns of the published tokenizer, one after the other; each match is a piece of its own.
constexpr std::array<std::string_view, 3> kPatterns = {
    R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    " ?[\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002\u300A\u300B\u300C\u300D\u3010\u3011]+",
    "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"};

Json split_json(std::string_view pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Json byte_level_json(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json pre_tokenizer_json() {
  Json stages = Json::array();
  for (const std::string_view pattern : kPatterns) stages.push_back(split_json(pattern));
  stages.push_back(byte_level_json(false, false));
  return {{"type", "Sequence"}, {"pretokenizers", stages}};
}

Json added_token_json(std::size_t id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json model_json(const std::vector<std::string>& control_tokens, const LearnedBpe& bpe,
                std::span<const std::size_t> order) {
  std::vector<std::string> contents;
  contents.reserve(bpe.tokens.size());
  for (const std::string& token : bpe.tokens) append_in_byte_alphabet(contents.emplace_back(), token);

  // Not through operator[], which searches the whole object for each key.
  Json::object_t vocabulary;
  vocabulary.reserve(control_tokens.size() + contents.size());
  std::size_t id = 0;
  for (const std::string& token : control_tokens) vocabulary.Container::emplace_back(token, id++);
  for (const std::size_t token : order) vocabulary.Container::emplace_back(contents[token], id++);

  Json merges = Json::array();
  for (const MergeRule& merge : bpe.merges) {
    merges.push_back(Json::array(
        {contents[static_cast<std::size_t>(merge.left)], contents[static_cast<std::size_t>(merge.right)]}));
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(merges)}};
}

}  // namespace

const std::vector<std::string>& longcat_control_tokens() {
  static const std::vector<std::string> tokens = {
      "<longcat_unk>",      "<longcat_s>",         "</longcat_s>",         "<longcat_pad>",
      "<longcat_system>",   "<longcat_user>",      "<longcat_assistant>",  "<longcat_think>",
      "</longcat_think>",   "<longcat_tool_call>", "</longcat_tool_call>", "<longcat_arg_key>",
      "</longcat_arg_key>", "<longcat_arg_value>", "</longcat_arg_value>", "<longcat_observation>",
      "<longcat_files>"};
  return tokens;
}

std::vector<PreTokenizerStage> longcat_pre_tokenizer() {
  return read_pre_tokenizer(pre_tokenizer_json(), "the family's pre-tokenizer");
}

Json longcat_tokenizer_json(const std::vector<std::string>& control_tokens, const LearnedBpe& bpe,
                            std::span<const std::size_t> order) {
  Json added = Json::array();
  for (std::size_t id = 0; id < control_tokens.size(); ++id) {
    added.push_back(added_token_json(id, control_tokens[id]));
  }
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizer_json()},
          {"post_processor", nullptr},
          {"decoder", byte_level_json(true, true)},
          {"model", model_json(control_tokens, bpe, order)}};
}

Json longcat_tokenizer_config(std::string_view chat_template) {
  const auto& tokens = longcat_control_tokens();
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"bos_token", tokens[1]},
          {"eos_token", tokens[2]},
          {"unk_token", tokens[0]},
          {"pad_token", tokens[3]},
          {"add_bos_token", false},
          {"add_eos_token", false},
          {"clean_up_tokenization_spaces", false},
          {"chat_template", chat_template}};
}

}  // namespace nestor::tokenizer
