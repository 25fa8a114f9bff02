#include "serve/answer/ending.h"

#include <algorithm>

namespace nestor::serve {

const char* finish_reason(const TextPipe& text, const schedule::Outcome& outcome) {
  return text.stopped() || outcome.reason == decode::FinishReason::stop ? "stop" : "length";
}

Json stop_reason(const TextPipe& text, const schedule::Outcome& outcome, std::span<const TokenId> eos_ids) {
  if (text.stopped()) return text.stop();
  const bool named =
      outcome.stop_token && std::find(eos_ids.begin(), eos_ids.end(), *outcome.stop_token) == eos_ids.end();
  return named ? Json(*outcome.stop_token) : Json(nullptr);
}

}  // namespace nestor::serve
