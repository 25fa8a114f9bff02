// From the JSON of a tokenizer.json to the parts of a tokenizer. Every type, option and key that is not known
// to keep the ids right is an error that names it.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/pre_tokenizer.h"

namespace nestor::tokenizer {

struct TokenizerDescription {
  std::vector<AddedToken> added_tokens;
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStage> pre_tokenizer;
  std::vector<TemplatePiece> post_processor;
  BpeModel model;
  std::vector<std::string> notes;  // on settings that have no effect here
};

/// Reads the whole document; `what` names it in messages. Throws Error: bad_input if it contradicts itself,
/// unsupported if Nestor does not do what it asks for.
TokenizerDescription read_tokenizer_json(const Json& json, std::string_view what);

/// The parts of it, each with the place for messages. Null stands for an absent component.
std::vector<NormalizerStep> read_normalizer(const Json& json, std::string_view where);
std::vector<PreTokenizerStage> read_pre_tokenizer(const Json& json, std::string_view where);
std::vector<TemplatePiece> read_post_processor(const Json& json, std::string_view where);
BpeModel read_model(const Json& json, std::string_view where);

}  // namespace nestor::tokenizer
