// POST /v1/completions
#include "base/json.h"
#include "serve/answer/completion_reader.h"
#include "serve/api/body.h"
#include "serve/api/completion_request.h"
#include "serve/api/request_error.h"
#include "serve/routes/prompt_ids.h"
#include "serve/routes/routes.h"

namespace nestor::serve {
namespace {

std::vector<TokenId> encoded(const Backend& backend, const CompletionRequest& request,
                             const std::string& text) {
  const auto control =
      request.control_tokens ? tokenizer::ControlTokens::everywhere() : tokenizer::ControlTokens::nowhere();
  const auto added = request.add_special_tokens ? tokenizer::PostProcess::add : tokenizer::PostProcess::omit;
  return prompt_ids(backend, text, added, control, "prompt");
}

/// A prompt as ids, and as the text that echo repeats.
struct Prompt {
  std::vector<TokenId> ids;
  std::string text;
};

Prompt read_prompt(const Backend& backend, const CompletionRequest& request, const CompletionPrompt& given) {
  if (const auto* text = std::get_if<std::string>(&given)) return {encoded(backend, request, *text), *text};
  const auto& ids = std::get<std::vector<TokenId>>(given);
  check_count(backend, ids.size(), "prompt");
  return {ids, request.echo ? backend.model.tokenizer.decode(ids, tokenizer::ControlText::keep) : ""};
}

}  // namespace

void answer_completion(const Backend& backend, const std::shared_ptr<Exchange>& exchange) {
  const CompletionRequest request = read_completion_request(parse_body(exchange->request().body),
                                                            backend.model.defaults, backend.ids.seed());
  const GenerationSettings& settings = request.settings;
  check_model(backend, settings.model);
  const auto grammar =
      backend.constraints.of_format(request.format, {backend.grammar_steps, exchange->preparation()});
  auto answers = std::make_shared<Answers>(
      exchange, backend.engine,
      answer_frame(backend, settings, "text_completion", "text_completion", "cmpl-"));

  decode::SamplingParams sampling = settings.sampling;
  sampling.top_logprobs = request.logprobs;
  if (request.echo) sampling.prompt_logprobs = request.logprobs;
  const auto constraints =
      backend.constraints.begin(grammar, chat::AnswerParser::Begins::in_content,
                                request.prompts.size() * static_cast<std::size_t>(settings.n));
  std::vector<schedule::Request> requests;
  for (const CompletionPrompt& given : request.prompts) {
    const Prompt prompt = read_prompt(backend, request, given);
    if (prompt.ids.empty()) {
      throw RequestError(ErrorKind::usage, "prompt",
                         "prompt: it has no tokens, and a model needs one to begin with");
    }
    const auto rule = stop_rule(backend, settings, std::nullopt, {std::ssize(prompt.ids), "prompt"});
    for (std::int64_t i = 0; i < settings.n; ++i) {
      decode::Turn turn(prompt.ids, sampling, rule, static_cast<std::uint64_t>(i),
                        constraints[requests.size()]);
      turn.draft_with({}, settings.drafts);
      CompletionReader::Options options{.index = requests.size(),
                                        .text = {.stops = settings.stops,
                                                 .include_stop = settings.include_stop,
                                                 .skip_special_tokens = settings.skip_special_tokens},
                                        .echo = request.echo ? prompt.text : "",
                                        .logprobs = request.logprobs.has_value(),
                                        .eos_ids = settings.eos_ids};
      requests.push_back({.turn = checked(std::move(turn), backend.engine.info(), "prompt"),
                          .priority = settings.priority,
                          .reader = std::make_shared<CompletionReader>(answers, backend.model.tokenizer,
                                                                       std::move(options))});
    }
  }
  answers->start(std::move(requests), settings.n);
}

}  // namespace nestor::serve
