#include "serve/answer/logprobs.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor::serve {
namespace {

// What stands for probability 0, since JSON knows no infinity: OpenAI's value.
constexpr double kLeastLogprob = -9999.0;

double finite(float logprob) { return std::max(static_cast<double>(logprob), kLeastLogprob); }

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

Json entry(const tokenizer::Tokenizer& tokenizer, TokenId id, float logprob) {
  Json bytes = Json::array();
  for (const char c : tokenizer.bytes_of(id)) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", token_text(tokenizer, id)}, {"logprob", finite(logprob)}, {"bytes", std::move(bytes)}};
}

}  // namespace

std::string token_text(const tokenizer::Tokenizer& tokenizer, TokenId id) {
  const std::string_view bytes = tokenizer.bytes_of(id);
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string text = "bytes:";
  for (const char c : bytes) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text;
}

void CompletionLogprobs::add(const decode::Choice& choice) {
  std::string text = token_text(tokenizer_, choice.id);
  offsets_.push_back(offset_);
  const std::string_view bytes = tokenizer_.bytes_of(choice.id);
  offset_ += static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), begins_character));
  Json top = nullptr;
  if (choice.logprob) {
    top = Json::object();  // best first; of several tokens with one text the best stays
    for (const auto& t : choice.top) {
      const std::string name = token_text(tokenizer_, t.id);
      if (!top.contains(name)) top[name] = finite(t.logprob);
    }
    if (!choice.top.empty() && !top.contains(text)) top[text] = finite(*choice.logprob);
  }
  logprobs_.push_back(choice.logprob ? Json(finite(*choice.logprob)) : Json(nullptr));
  top_.push_back(std::move(top));
  tokens_.push_back(std::move(text));
}

Json CompletionLogprobs::take() {
  const auto all = [](Json& list) { return std::exchange(list, Json::array()); };
  return {{"tokens", all(tokens_)},
          {"token_logprobs", all(logprobs_)},
          {"top_logprobs", all(top_)},
          {"text_offset", all(offsets_)}};
}

Json chat_logprob(const tokenizer::Tokenizer& tokenizer, const decode::Choice& choice) {
  Json read = entry(tokenizer, choice.id, choice.logprob.value_or(0));
  read["top_logprobs"] = Json::array();
  for (const auto& t : choice.top) read["top_logprobs"].push_back(entry(tokenizer, t.id, t.logprob));
  return read;
}

}  // namespace nestor::serve
