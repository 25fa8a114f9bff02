// GET /v1/models, POST /tokenize, POST /detokenize
#include "base/json.h"
#include "serve/api/body.h"
#include "serve/api/error_answer.h"
#include "serve/routes/backend.h"

namespace nestor::serve {
namespace {

Json described(const ServedModel& model, const lm::Info& info, const std::string& name) {
  Json out = {{"id", name},
              {"object", "model"},
              {"created", model.created},
              {"owned_by", "nestor"},
              {"root", model.names.front()},
              {"max_model_len", info.context_limit},
              {"context_length", info.context_limit},
              {"vocab_size", info.vocab_size},
              {"quantization", model.quantization}};
  if (model.parameters > 0) out["parameters"] = model.parameters;
  return out;
}

}  // namespace

HttpResponse list_models(const ServedModel& model, const lm::Info& info) {
  Json data = Json::array();
  for (const std::string& name : model.names) data.push_back(described(model, info, name));
  return {.body = to_text({{"object", "list"}, {"data", std::move(data)}})};
}

HttpResponse describe_model(const ServedModel& model, const lm::Info& info, std::string_view name) {
  for (const std::string& own : model.names) {
    if (own == name) return {.body = to_text(described(model, info, own))};
  }
  return error_answer(404, fmt::format("there is no model {} here", in_quotes(name)), "model",
                      "model_not_found");
}

HttpResponse answer_tokenize(const Backend& backend, const HttpRequest& request) {
  const Json json = parse_json(request.body, "the request body");
  Body body(json);
  check_model(backend, body.text("model"));
  const auto prompt = body.text("prompt");
  if (!prompt) body.bad("prompt", "missing; expected text");
  const bool add = body.boolean("add_special_tokens").value_or(true);
  const bool control = body.boolean("control_tokens").value_or(false);
  body.refuse_unknown();
  const auto ids = backend.model.tokenizer.encode(
      *prompt, add ? tokenizer::PostProcess::add : tokenizer::PostProcess::omit,
      control ? tokenizer::ControlTokens::everywhere() : tokenizer::ControlTokens::nowhere());
  return {
      .body = to_text(
          {{"count", ids.size()}, {"max_model_len", backend.engine.info().context_limit}, {"tokens", ids}})};
}

HttpResponse answer_detokenize(const Backend& backend, const HttpRequest& request) {
  const Json json = parse_json(request.body, "the request body");
  Body body(json);
  check_model(backend, body.text("model"));
  const Json* tokens = body.array("tokens");
  if (tokens == nullptr) body.bad("tokens", "missing; expected an array of token ids");
  const auto ids = token_ids(*tokens, "tokens");
  body.refuse_unknown();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= backend.engine.info().vocab_size) {
      body.bad(fmt::format("tokens[{}]", i), fmt::format("{} is not in the vocabulary", ids[i]));
    }
  }
  return {.body = to_text({{"prompt", backend.model.tokenizer.decode(ids, tokenizer::ControlText::keep)}})};
}

}  // namespace nestor::serve
