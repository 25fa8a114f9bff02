#include "serve/routes/prompt_ids.h"

#include <fmt/format.h>

#include "serve/api/request_error.h"

namespace nestor::serve {
namespace {

std::size_t most_ids(const Backend& backend) {
  return static_cast<std::size_t>(backend.engine.info().context_limit);
}

[[noreturn]] void refuse(const Backend& backend, const char* param, const std::string& found) {
  throw RequestError(
      ErrorKind::limit, param,
      fmt::format("the {} has {}, but the context limit is {}: shorten it", param, found, most_ids(backend)),
      "context_length_exceeded");
}

}  // namespace

void check_bytes(const Backend& backend, std::string_view text, const char* param) {
  const std::size_t least = backend.model.tokenizer.least_ids(text.size());
  if (least <= most_ids(backend)) return;
  refuse(backend, param, fmt::format("{} bytes, which are at least {} tokens", text.size(), least));
}

void check_count(const Backend& backend, std::size_t ids, const char* param) {
  if (ids > most_ids(backend)) refuse(backend, param, fmt::format("{} tokens", ids));
}

std::vector<TokenId> prompt_ids(const Backend& backend, std::string_view text,
                                tokenizer::PostProcess post_process, const tokenizer::ControlTokens& control,
                                const char* param) {
  check_bytes(backend, text, param);
  auto ids = backend.model.tokenizer.encode(text, post_process, control, most_ids(backend));
  if (ids.size() > most_ids(backend))
    refuse(backend, param, fmt::format("more than {} tokens", most_ids(backend)));
  return ids;
}

}  // namespace nestor::serve
