// How an answer ended, in the words of OpenAI's API and of vLLM's.
#pragma once

#include <span>

#include "base/json.h"
#include "schedule/request.h"
#include "serve/answer/text_pipe.h"

namespace nestor::serve {

/// "stop" or "length".
const char* finish_reason(const TextPipe& text, const schedule::Outcome& outcome);

/// The stop text or the stop token that was found; null for the model's own end (`eos_ids`) and for any other
/// reason.
Json stop_reason(const TextPipe& text, const schedule::Outcome& outcome, std::span<const TokenId> eos_ids);

}  // namespace nestor::serve
