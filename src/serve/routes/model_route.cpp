// GET /v1/models, GET /v1/models/NAME
#include <charconv>

#include "base/json.h"
#include "serve/api/error_answer.h"
#include "serve/routes/routes.h"

namespace nestor::serve {
namespace {

Json described(const Backend& backend, const std::string& name) {
  const ServedModel& model = backend.model;
  const lm::Info& info = backend.engine.info();
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

/// A part of a path with its %XX read.
std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned byte = 0;
    const bool escape = text.size() > 2 && text[0] == '%' &&
                        std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3;
    out += escape ? static_cast<char>(byte) : text[0];
    text.remove_prefix(escape ? 3 : 1);
  }
  return out;
}

}  // namespace

HttpResponse list_models(const Backend& backend, const HttpRequest& /*head*/) {
  Json data = Json::array();
  for (const std::string& name : backend.model.names) data.push_back(described(backend, name));
  return {.body = to_text({{"object", "list"}, {"data", std::move(data)}})};
}

HttpResponse describe_model(const Backend& backend, const HttpRequest& head) {
  const std::string name = unescaped(std::string_view(head.path).substr(route_path(head.path).size()));
  for (const std::string& own : backend.model.names) {
    if (own == name) return {.body = to_text(described(backend, own))};
  }
  return error_answer(404, fmt::format("there is no model {} here", in_quotes(name)), "model",
                      "model_not_found");
}

}  // namespace nestor::serve
