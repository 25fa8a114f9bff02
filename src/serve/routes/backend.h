// The model and the server as routes see them, and the steps that generating routes share.
#pragma once

#include <atomic>

#include "schedule/engine.h"
#include "serve/answer/answers.h"
#include "serve/answer/constraints.h"
#include "serve/id_source.h"
#include "serve/log.h"
#include "serve/metrics_text.h"
#include "serve/served_model.h"

namespace nestor::serve {

/// State of the server itself, which routes report.
struct Traffic {
  std::atomic<bool> stopping{false};  // nothing is generated any more
  HttpCounts responses = {};          // like the next, of the server's own thread
  std::size_t connections = 0;
};

struct Backend {
  const ServedModel& model;
  schedule::Engine& engine;
  Constraints& constraints;
  IdSource& ids;
  Traffic& traffic;
  Log& log;
  /// For the grammar of a request: little where others wait for the thread.
  std::uint64_t grammar_steps = grammar::Effort::kLittle;
};

/// The frame of an answer; `kind` is "text_completion" or "chat.completion", whose chunks have names of their
/// own.
AnswerFrame answer_frame(const Backend& backend, const GenerationSettings& settings, std::string_view kind,
                         std::string_view chunk_kind, std::string_view id_prefix);

/// Throws RequestError(not_found) for a name that is not the model's.
void check_model(const Backend& backend, const std::optional<std::string>& name);

/// The stop rule of the answers to a prompt.
decode::StopRule stop_rule(const Backend& backend, const GenerationSettings& settings,
                           std::optional<std::int64_t> default_tokens, const PromptSize& prompt);

/// The turn, or a RequestError of `param` with what the engine's checks say about it.
decode::Turn checked(decode::Turn turn, const lm::Info& info, const char* param);

}  // namespace nestor::serve
