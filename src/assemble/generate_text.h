// One prompt to its text: a turn that runs to its end on the calling thread, with the text handed over as it
// becomes certain. Many requests at once are the business of schedule/engine.h.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "assemble/text_stream.h"
#include "decode/turn.h"
#include "lm/language_model.h"
#include "tokenizer/tokenizer.h"

namespace nestor::assemble {

/// The ids of a prompt, with what the tokenizer puts around a text. Error(usage) if there are none.
std::vector<TokenId> encode_prompt(const tokenizer::Tokenizer& tokenizer, std::string_view text,
                                   const tokenizer::ControlTokens& control);

struct GeneratedText {
  std::string text;
  decode::FinishReason reason = decode::FinishReason::none;
  double prompt_seconds = 0;  // until the first token was there
  double decode_seconds = 0;  // from then to the end
};

/// A piece of the text, never empty, never a part of a character.
using OnText = std::function<void(std::string_view piece)>;

/// Runs `turn` to its end; what it generated stays in it. A stop string met by `stream` ends it with
/// FinishReason::stop, `cancel` before the next forward pass with FinishReason::cancelled. Throws Error as
/// decode::generate does; what `on_text` throws passes through.
GeneratedText generate_text(lm::LanguageModel& model, decode::Turn& turn, TextStream stream,
                            const std::stop_token& cancel, const OnText& on_text);

}  // namespace nestor::assemble
