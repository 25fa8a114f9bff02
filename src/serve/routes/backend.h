// What the routes that generate work with.
#pragma once

#include "schedule/engine.h"
#include "serve/answer/answers.h"
#include "serve/answer/constraints.h"
#include "serve/id_source.h"
#include "serve/served_model.h"

namespace nestor::serve {

struct Backend {
  const ServedModel& model;
  schedule::Engine& engine;
  Constraints& constraints;
  IdSource& ids;
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

/// What the engine's checks say about a prompt becomes a RequestError of `param`.
decode::Turn checked(decode::Turn turn, const lm::Info& info, const char* param);

// One function for each route; they throw what becomes an error answer.
void answer_completion(const Backend& backend, const std::shared_ptr<Exchange>& exchange);
void answer_chat(const Backend& backend, const std::shared_ptr<Exchange>& exchange);
HttpResponse answer_tokenize(const Backend& backend, const HttpRequest& request);
HttpResponse answer_detokenize(const Backend& backend, const HttpRequest& request);
/// All names of the model.
HttpResponse list_models(const ServedModel& model, const lm::Info& info);
/// One, or status 404.
HttpResponse describe_model(const ServedModel& model, const lm::Info& info, std::string_view name);

}  // namespace nestor::serve
