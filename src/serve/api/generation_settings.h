// What both generating endpoints let a client choose about generation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/token_id.h"
#include "decode/sampling.h"
#include "decode/turn.h"

namespace nestor::serve {

/// The largest counts that a request may ask for.
inline constexpr std::int64_t kMostTokens = std::int64_t{1} << 30;
inline constexpr std::int64_t kMostLogprobs = 20;  // OpenAI's

/// What the checkpoint and the operator have decided: defaults and limits of the requests.
struct GenerationDefaults {
  decode::SamplingParams sampling = {};
  std::vector<TokenId> stop_ids = {};
  std::int64_t min_tokens = 0;
  std::optional<std::int64_t> max_tokens = {};       // of an answer, where the request does not say
  std::optional<std::int64_t> most_max_tokens = {};  // that a request may ask for
  std::int64_t most_choices = 64;                    // n, times the number of prompts
  decode::DraftWish drafts = {};
  std::vector<decode::DraftKind> drafters = {decode::DraftKind::lookup};  // that a request may name
};

struct GenerationSettings {
  std::optional<std::string> model;
  decode::SamplingParams sampling;  // without log-probabilities, which each endpoint asks for in its own way
  std::int64_t n = 1;
  std::optional<std::int64_t> max_tokens;
  std::optional<std::int64_t> min_tokens;
  std::vector<TokenId> stop_ids;  // without the checkpoint's own where ignore_eos is set
  std::vector<TokenId> eos_ids;   // of these, the checkpoint's own
  bool ignore_eos = false;
  std::vector<std::string> stops;  // texts
  bool include_stop = false;       // the stop text is part of the answer
  bool skip_special_tokens = true;
  int priority = 0;
  decode::DraftWish drafts = {};
  bool stream = false;
  bool include_usage = false;
};

class Body;

/// Reads the parameters that the endpoints share. A request without seed gets `seed`. Throws RequestError.
GenerationSettings read_generation_settings(Body& body, const GenerationDefaults& defaults,
                                            std::uint64_t seed);

/// A constrained answer ends where its form is complete. Throws RequestError for settings that would have it
/// go on, or end earlier.
void check_constrained(const GenerationSettings& settings);

struct PromptSize {
  std::int64_t tokens;
  const char* param;  // of the request: "prompt" or "messages"
};

/// The tokens that an answer may have: what was asked for, else `by_default`, else what the context leaves.
/// Throws RequestError(limit) for a prompt that leaves no room, or for more than the context or the operator
/// allows.
std::int64_t resolve_max_tokens(std::optional<std::int64_t> asked, std::optional<std::int64_t> by_default,
                                const GenerationDefaults& defaults, const PromptSize& prompt,
                                std::int64_t context_limit);

}  // namespace nestor::serve
