#include "serve/answer/constraints.h"

#include <utility>

#include "serve/api/request_error.h"

namespace nestor::serve {
namespace {

template <typename Compile>
std::shared_ptr<const grammar::Grammar> compiled(const char* param, Compile compile) {
  try {
    return compile();
  } catch (const Error& error) {
    throw RequestError(error.kind(), param, fmt::format("{}: {}", param, error.what()));
  }
}

}  // namespace

Constraints::Constraints(const tokenizer::Tokenizer& tokenizer, std::vector<TokenId> stop_ids)
    : tokenizer_(tokenizer), stop_ids_(std::move(stop_ids)) {}

std::shared_ptr<const grammar::Grammar> Constraints::of_format(const ResponseFormat& format) const {
  switch (format.kind) {
    case ResponseFormat::Kind::text:
      return nullptr;
    case ResponseFormat::Kind::json_object:
      return compiled("response_format", [] { return grammar::Grammar::any_json_object(); });
    case ResponseFormat::Kind::json_schema:
      return compiled("response_format", [&] { return grammar::Grammar::from_json_schema(format.schema); });
  }
  return nullptr;
}

std::shared_ptr<const grammar::Grammar> Constraints::of_tool_calls(const Json& tools,
                                                                   const grammar::ToolChoice& choice) const {
  return compiled("tools", [&] { return grammar::Grammar::tool_calls(tools, choice); });
}

std::shared_ptr<decode::Constraint> Constraints::begin(
    const std::shared_ptr<const grammar::Grammar>& grammar) {
  if (!grammar) return nullptr;
  return std::make_shared<grammar::GrammarConstraint>(grammar, vocabulary());
}

std::shared_ptr<const grammar::Vocabulary> Constraints::vocabulary() {
  const std::lock_guard lock(mutex_);
  if (!vocabulary_) vocabulary_ = std::make_shared<const grammar::Vocabulary>(tokenizer_, stop_ids_);
  return vocabulary_;
}

}  // namespace nestor::serve
