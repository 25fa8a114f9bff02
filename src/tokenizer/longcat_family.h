// The tokenizer of the LongCat family but for what is learned: its control tokens, how it cuts text into
// pieces, and the files that say so.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenizer/learn_bpe.h"
#include "tokenizer/pre_tokenizer.h"

namespace nestor::tokenizer {

/// The control tokens, ids from 0: unknown, start (1), end (2), padding (3), then roles, thinking and tools.
const std::vector<std::string>& longcat_control_tokens();

/// Letters with one leading blank or sign, digits one by one, runs of signs, line breaks, blanks; then
/// East Asian punctuation and writing apart from the rest; as bytes.
std::vector<PreTokenizerStage> longcat_pre_tokenizer();

/// The whole tokenizer.json: `control_tokens` have the ids from 0, then follow the tokens of `bpe`,
/// `order`[0] first. `order` is a permutation of them; how text is cut does not depend on it.
Json longcat_tokenizer_json(const std::vector<std::string>& control_tokens, const LearnedBpe& bpe,
                            std::span<const std::size_t> order);

/// The tokenizer_config.json for it.
Json longcat_tokenizer_config(std::string_view chat_template);

}  // namespace nestor::tokenizer
