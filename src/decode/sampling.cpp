#include "decode/sampling.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace nestor::decode {
namespace {

void check(bool holds, const char* name, const char* expected, double found) {
  if (!holds) fail(ErrorKind::usage, "{} must be {}, found {}", name, expected, found);
}

void check_count(const char* name, const std::optional<std::int64_t>& count, std::int64_t vocab_size) {
  if (count && (*count < 0 || *count > vocab_size)) {
    fail(ErrorKind::usage, "{} must be from 0 to the vocabulary's size {}, found {}", name, vocab_size,
         *count);
  }
}

bool within(double x, double low, double high) { return x >= low && x <= high; }  // false for NaN

}  // namespace

void validate(const SamplingParams& params, std::int64_t vocab_size) {
  constexpr double largest = std::numeric_limits<double>::max();
  check(within(params.temperature, 0, largest), "temperature", "0 (greedy) or a positive number",
        params.temperature);
  if (params.top_k < -1) {
    fail(ErrorKind::usage, "top_k must be a positive number, or 0 or -1 for all tokens, found {}",
         params.top_k);
  }
  check(params.top_p > 0 && params.top_p <= 1, "top_p", "above 0 and at most 1", params.top_p);
  check(within(params.min_p, 0, 1), "min_p", "from 0 to 1", params.min_p);
  check(params.repetition_penalty > 0 && params.repetition_penalty <= largest, "repetition_penalty",
        "a positive number (1 = none)", params.repetition_penalty);
  check(within(params.presence_penalty, -2, 2), "presence_penalty", "from -2 to 2", params.presence_penalty);
  check(within(params.frequency_penalty, -2, 2), "frequency_penalty", "from -2 to 2",
        params.frequency_penalty);
  for (const auto& [id, bias] : params.logit_bias) {
    if (id < 0 || id >= vocab_size) {
      fail(ErrorKind::usage, "logit_bias names token {}, but the vocabulary has the ids 0 to {}", id,
           vocab_size - 1);
    }
    check(within(bias, -100, 100), "every logit_bias", "from -100 to 100", bias);
  }
  check_count("top_logprobs", params.top_logprobs, vocab_size);
  check_count("prompt_logprobs", params.prompt_logprobs, vocab_size);
}

}  // namespace nestor::decode
