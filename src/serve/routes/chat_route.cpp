// POST /v1/chat/completions
#include "base/json.h"
#include "serve/answer/chat_reader.h"
#include "serve/api/body.h"
#include "serve/api/chat_request.h"
#include "serve/api/request_error.h"
#include "serve/routes/chat_prompt.h"
#include "serve/routes/routes.h"

namespace nestor::serve {
namespace {

std::shared_ptr<const grammar::Grammar> grammar_of(const Backend& backend, const ChatRequest& request,
                                                   const grammar::Effort& effort) {
  const auto kind = request.tool_choice.kind;
  if (kind != ToolChoice::Kind::required && kind != ToolChoice::Kind::named) {
    return backend.constraints.of_format(request.format, effort);
  }
  grammar::ToolChoice choice;
  if (kind == ToolChoice::Kind::named) choice.name = request.tool_choice.name;
  if (kind == ToolChoice::Kind::named || !request.parallel_tool_calls) choice.max_calls = 1;
  return backend.constraints.of_tool_calls(request.tools, choice, effort);
}

/// The markers that the answer parser looks for; those of calls only where there are tools.
std::shared_ptr<const KeptTokens> kept_tokens(const tokenizer::Tokenizer& tokenizer, bool tools) {
  auto kept = std::make_shared<KeptTokens>();
  const auto keep = [&](std::string_view marker) {
    if (const auto id = tokenizer.id_of(marker)) kept->insert(*id);
  };
  keep(chat::kThinkOpen);
  keep(chat::kThinkClose);
  if (!tools) return kept;
  for (const auto marker : {chat::kCallOpen, chat::kCallClose, chat::kKeyOpen, chat::kKeyClose,
                            chat::kValueOpen, chat::kValueClose}) {
    keep(marker);
  }
  return kept;
}

}  // namespace

void answer_chat(const Backend& backend, const std::shared_ptr<Exchange>& exchange) {
  const ChatRequest request =
      read_chat_request(parse_body(exchange->request().body), backend.model.defaults, backend.ids.seed());
  const GenerationSettings& settings = request.settings;
  check_model(backend, settings.model);
  const auto grammar = grammar_of(backend, request, {backend.grammar_steps, exchange->preparation()});
  const ChatPrompt prompt = chat_prompt(backend, request);
  const auto rule =
      stop_rule(backend, settings, backend.model.defaults.max_tokens, {std::ssize(prompt.ids), "messages"});
  auto answers = std::make_shared<Answers>(
      exchange, backend.engine,
      answer_frame(backend, settings, "chat.completion", "chat.completion.chunk", "chatcmpl-"));

  const bool tools = request.tool_choice.kind != ToolChoice::Kind::none;
  decode::SamplingParams sampling = settings.sampling;
  sampling.top_logprobs = request.top_logprobs;
  ChatReader::Options options{.text = {.stops = settings.stops,
                                       .include_stop = settings.include_stop,
                                       .skip_special_tokens = settings.skip_special_tokens,
                                       .kept = kept_tokens(backend.model.tokenizer, tools)},
                              .tools = tools ? chat::ToolSet(request.tools) : chat::ToolSet(),
                              .begins = prompt.begins,
                              .one_call = tools && !request.parallel_tool_calls,
                              .logprobs = request.top_logprobs.has_value(),
                              .eos_ids = settings.eos_ids,
                              .call_id = [&ids = backend.ids] { return ids.next("call_"); }};
  const auto constraints =
      backend.constraints.begin(grammar, prompt.begins, static_cast<std::size_t>(settings.n));
  std::vector<schedule::Request> requests;
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    decode::Turn turn(prompt.ids, sampling, rule, i, constraints[i]);
    turn.draft_with({}, settings.drafts);
    options.index = i;
    requests.push_back({.turn = checked(std::move(turn), backend.engine.info(), "messages"),
                        .priority = settings.priority,
                        .reader = std::make_shared<ChatReader>(answers, backend.model.tokenizer, options)});
  }
  answers->start(std::move(requests), settings.n);
}

}  // namespace nestor::serve
