// The `model` of a tokenizer.json: vocabulary and merges of BPE.
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/tokenizer_json.h"

namespace nestor::tokenizer {
namespace {

using IdsByContent = std::unordered_map<std::string_view, TokenId>;

std::vector<ModelToken> read_vocab(const Json& vocab, const std::string& where) {
  if (!vocab.is_object())
    fail(ErrorKind::bad_input, "{}: expected an object, found {}", where, kind_of(vocab));
  std::vector<ModelToken> tokens;
  tokens.reserve(vocab.size());
  for (const auto& [content, id] : vocab.items())
    tokens.push_back({content, as_token_id(id, where, content)});
  return tokens;
}

struct MergeParts {
  std::string_view left;
  std::string_view right;
};

MergeParts parts_of_text(std::string_view text, std::string_view where) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos || text.find(' ', blank + 1) != std::string_view::npos) {
    fail(ErrorKind::bad_input, "{}: the merge {} must be two tokens with one blank between them", where,
         in_quotes(text));
  }
  return {text.substr(0, blank), text.substr(blank + 1)};
}

MergeParts parts_of_pair(const Json& pair, std::string_view where) {
  if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
    fail(ErrorKind::bad_input, "{}: the merge {} must be a pair of strings", where, in_quotes(to_text(pair)));
  }
  return {pair[0].get_ref<const std::string&>(), pair[1].get_ref<const std::string&>()};
}

TokenId id_in_merge(const IdsByContent& ids, std::string_view content, std::string_view where) {
  const auto at = ids.find(content);
  if (at == ids.end()) {
    fail(ErrorKind::bad_input, "{}: a merge needs the token {}, which is not in the vocabulary", where,
         in_quotes(content));
  }
  return at->second;
}

std::vector<MergeRule> read_merges(const Json& merges, const IdsByContent& ids, const std::string& where) {
  std::vector<MergeRule> rules;
  rules.reserve(as_array(merges, where).size());
  std::string merged;
  for (const Json& merge : merges) {
    if (merge.type() != merges[0].type() || (!merge.is_string() && !merge.is_array())) {
      fail(ErrorKind::bad_input, "{}: merge {} is {}; all merges must be strings, or all pairs", where,
           rules.size(), kind_of(merge));
    }
    // The reference passes over the first line of a merges.txt that was copied in.
    if (merge.is_string() && merge.get_ref<const std::string&>().starts_with("#version")) continue;
    const MergeParts parts = merge.is_string() ? parts_of_text(merge.get_ref<const std::string&>(), where)
                                               : parts_of_pair(merge, where);
    merged.assign(parts.left).append(parts.right);
    rules.push_back({id_in_merge(ids, parts.left, where), id_in_merge(ids, parts.right, where),
                     id_in_merge(ids, merged, where)});
  }
  return rules;
}

void expect_bpe(JsonFields& fields) {
  // Old files leave the type out; vocabulary and merges together can only be BPE.
  const Json* type = fields.find("type");
  if (type == nullptr) return;
  const std::string& name = as_string(*type, fields.where() + ": type");
  if (name != "BPE") {
    fail(ErrorKind::unsupported, "{}: the type {} is not supported; BPE is", fields.where(), in_quotes(name));
  }
}

void expect_no_dropout(JsonFields& fields) {
  const Json* dropout = fields.find("dropout");
  if (dropout == nullptr || dropout->is_null()) return;
  if (!dropout->is_number() || dropout->get<double>() != 0) {
    fail(ErrorKind::unsupported,
         "{}: dropout is {}; only null and 0 are supported, because encoding must not be random",
         fields.where(), to_text(*dropout));
  }
}

void expect_no_affix(JsonFields& fields, std::string_view key) {
  const Json* affix = fields.find(key);
  if (affix == nullptr || affix->is_null()) return;
  if (!as_string(*affix, fmt::format("{}: {}", fields.where(), key)).empty()) {
    fail(ErrorKind::unsupported, "{}: {} is {}; only null and \"\" are supported", fields.where(), key,
         in_quotes(affix->get_ref<const std::string&>()));
  }
}

void read_options(JsonFields& fields, BpeModel& model) {
  expect_no_dropout(fields);
  expect_no_affix(fields, "continuing_subword_prefix");
  expect_no_affix(fields, "end_of_word_suffix");
  if (fields.bool_or("byte_fallback", false)) {
    fail(ErrorKind::unsupported, "{}: byte_fallback is true; only false is supported", fields.where());
  }
  if (const Json* unknown = fields.find("unk_token"); unknown != nullptr && !unknown->is_null()) {
    model.unknown_token = as_string(*unknown, fields.where() + ": unk_token");
  }
  if (fields.bool_or("fuse_unk", false)) model.unknown_runs = UnknownRuns::fused;
  if (fields.bool_or("ignore_merges", false)) model.whole_pieces = WholePieces::looked_up;
}

}  // namespace

BpeModel read_model(const Json& json, std::string_view where) {
  JsonFields fields(json, std::string(where));
  expect_bpe(fields);
  BpeModel model;
  model.tokens = read_vocab(fields.require("vocab"), fields.where() + ": vocab");
  IdsByContent ids;
  ids.reserve(model.tokens.size());
  for (const ModelToken& token : model.tokens) ids.emplace(token.content, token.id);
  model.merges = read_merges(fields.require("merges"), ids, fields.where() + ": merges");
  read_options(fields, model);
  fields.expect_no_more();
  return model;
}

}  // namespace nestor::tokenizer
