// Text -> the tokens of a prompt that fits.
#pragma once

#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "lm/language_model.h"
#include "tokenizer/tokenizer.h"

namespace nestor::eval {

/// Without added or control tokens: evaluation texts are data.
std::vector<TokenId> encode_text(const tokenizer::Tokenizer& tokenizer, std::string_view text);

/// What stands before a text that begins with nothing: the model's first end-of-sequence token, which also
/// separated documents in training. Error(unsupported) if it has none.
TokenId first_token(const lm::Info& info);

/// Drops tokens at the beginning until at most `most` are left; true if any was dropped.
bool keep_last(std::vector<TokenId>& ids, std::int64_t most);

}  // namespace nestor::eval
