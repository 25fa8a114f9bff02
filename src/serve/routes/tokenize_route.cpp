// POST /tokenize, POST /detokenize
#include "base/json.h"
#include "serve/api/body.h"
#include "serve/routes/prompt_ids.h"
#include "serve/routes/routes.h"

namespace nestor::serve {

void answer_tokenize(const Backend& backend, const std::shared_ptr<Exchange>& exchange) {
  const Json json = parse_body(exchange->request().body);
  Body body(json);
  check_model(backend, body.text("model"));
  const auto prompt = body.text("prompt");
  if (!prompt) body.bad("prompt", "missing; expected text");
  const bool add = body.boolean("add_special_tokens").value_or(true);
  const bool control = body.boolean("control_tokens").value_or(false);
  body.refuse_unknown();
  const auto ids = prompt_ids(
      backend, *prompt, add ? tokenizer::PostProcess::add : tokenizer::PostProcess::omit,
      control ? tokenizer::ControlTokens::everywhere() : tokenizer::ControlTokens::nowhere(), "prompt");
  exchange->respond({.body = to_text({{"count", ids.size()},
                                      {"max_model_len", backend.engine.info().context_limit},
                                      {"tokens", ids}})});
}

void answer_detokenize(const Backend& backend, const std::shared_ptr<Exchange>& exchange) {
  const Json json = parse_body(exchange->request().body);
  Body body(json);
  check_model(backend, body.text("model"));
  const Json* tokens = body.array("tokens");
  if (tokens == nullptr) body.bad("tokens", "missing; expected an array of token ids");
  check_count(backend, tokens->size(), "tokens");
  const auto ids = token_ids(*tokens, "tokens");
  body.refuse_unknown();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= backend.engine.info().vocab_size) {
      body.bad(fmt::format("tokens[{}]", i), fmt::format("{} is not in the vocabulary", ids[i]));
    }
  }
  exchange->respond(
      {.body = to_text({{"prompt", backend.model.tokenizer.decode(ids, tokenizer::ControlText::keep)}})});
}

}  // namespace nestor::serve
