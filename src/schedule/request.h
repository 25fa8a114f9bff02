// What is asked of the engine, and how it answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/token_id.h"
#include "decode/turn.h"

namespace nestor::schedule {

enum class RequestId : std::uint64_t {};

/// How a request ended.
struct Outcome {
  decode::FinishReason reason = decode::FinishReason::none;  // none where there is an error
  std::optional<Error> error;
  std::optional<TokenId> stop_token;  // that ended it, if one did
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;             // of the prompt, shared with earlier requests and not computed
  std::int64_t generated_tokens = 0;          // those that token() saw
  decode::DraftTally drafts = {};             // what drafting did for it
  double queued_seconds = 0;                  // from submission to admission
  std::optional<double> first_token_seconds;  // from submission
  double total_seconds = 0;
};

/// Who reads what a request generates. Called on the engine's thread, so it must neither block nor call the
/// engine's drain(). What it throws fails its own request only.
class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  /// Sees every token in order; a stop token is none. Verdict::stop ends the request with FinishReason::stop.
  virtual decode::Verdict token(const decode::Choice& choice) = 0;
  /// The scored prompt where SamplingParams::prompt_logprobs is set: once, before the first token.
  virtual void prompt_scores(std::span<const decode::Choice> /*scores*/) {}
  /// The last call, exactly once; if it throws, once more with that as the error, and then never again.
  virtual void finished(const Outcome& outcome) = 0;
};

struct Request {
  decode::Turn turn;
  int priority = 0;  // lower runs earlier
  std::shared_ptr<Reader> reader;
};

}  // namespace nestor::schedule
