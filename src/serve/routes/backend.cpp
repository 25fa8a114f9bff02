#include "serve/routes/backend.h"

#include <algorithm>
#include <chrono>

#include "base/json.h"
#include "serve/api/request_error.h"

namespace nestor::serve {

AnswerFrame answer_frame(const Backend& backend, const GenerationSettings& settings, std::string_view kind,
                         std::string_view chunk_kind, std::string_view id_prefix) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const std::string id = backend.ids.next(id_prefix);
  const auto head = [&](std::string_view object) {
    return Json{{"id", id}, {"object", object}, {"created", seconds}, {"model", backend.model.names.front()}};
  };
  return {.head = head(kind),
          .chunk_head = head(chunk_kind),
          .stream = settings.stream,
          .include_usage = settings.include_usage};
}

void check_model(const Backend& backend, const std::optional<std::string>& name) {
  const auto& names = backend.model.names;
  if (!name || name->empty() || std::find(names.begin(), names.end(), *name) != names.end()) return;
  throw RequestError(ErrorKind::not_found, "model",
                     fmt::format("there is no model {} here; this server has {}", in_quotes(*name),
                                 in_quotes(names.front())),
                     "model_not_found");
}

decode::StopRule stop_rule(const Backend& backend, const GenerationSettings& settings,
                           std::optional<std::int64_t> default_tokens, const PromptSize& prompt) {
  decode::StopRule rule;
  rule.ids = settings.stop_ids;
  for (const TokenId id : rule.ids) {
    if (id < backend.engine.info().vocab_size) continue;
    throw RequestError(ErrorKind::bad_input, "stop_token_ids",
                       fmt::format("stop_token_ids: {} is not in the vocabulary, whose ids end at {}", id,
                                   backend.engine.info().vocab_size - 1));
  }
  rule.max_tokens = resolve_max_tokens(settings.max_tokens, default_tokens, backend.model.defaults, prompt,
                                       backend.engine.info().context_limit);
  if (settings.min_tokens > rule.max_tokens) {
    throw RequestError(ErrorKind::usage, "min_tokens",
                       fmt::format("min_tokens is {}, but the answer has at most {} tokens",
                                   *settings.min_tokens, rule.max_tokens));
  }
  rule.min_tokens =
      settings.min_tokens.value_or(std::min(backend.model.defaults.min_tokens, rule.max_tokens));
  return rule;
}

decode::Turn checked(decode::Turn turn, const lm::Info& info, const char* param) {
  try {  // what of the parameters depends on the model
    decode::validate(turn.params(), info.vocab_size);
  } catch (const Error& error) {
    throw RequestError(error.kind(), "logit_bias", fmt::format("logit_bias: {}", error.what()));
  }
  try {
    turn.check_against(info);
  } catch (const Error& error) {
    throw RequestError(error.kind(), param, error.what(),
                       error.kind() == ErrorKind::limit ? "context_length_exceeded" : "");
  }
  return turn;
}

}  // namespace nestor::serve
