// Prompts as ids, no more of them than the context holds: what cannot fit is refused before work is spent on
// it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serve/routes/backend.h"

namespace nestor::serve {

/// Throws RequestError(limit) of `param`, with code context_length_exceeded, for a text whose bytes tell that
/// it has too many tokens, whatever it says.
void check_bytes(const Backend& backend, std::string_view text, const char* param);

/// The same for ids that are known.
void check_count(const Backend& backend, std::size_t ids, const char* param);

/// The ids of a text. Throws as check_bytes() does before anything is encoded, and as check_count() does as
/// soon as there are too many.
std::vector<TokenId> prompt_ids(const Backend& backend, std::string_view text,
                                tokenizer::PostProcess post_process, const tokenizer::ControlTokens& control,
                                const char* param);

}  // namespace nestor::serve
