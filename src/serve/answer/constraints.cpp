#include "serve/answer/constraints.h"

#include <utility>

#include "base/json.h"
#include "grammar/after_reasoning.h"
#include "serve/api/request_error.h"

namespace nestor::serve {
namespace {

template <typename Compile>
std::shared_ptr<const grammar::Grammar> compiled(const char* param, const grammar::Effort& effort,
                                                 Compile compile) {
  try {
    return compile();
  } catch (const grammar::EffortSpent& error) {
    if (effort.steps < grammar::Effort::kMost) throw;
    throw RequestError(error.kind(), param, fmt::format("{}: {}", param, error.what()));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    throw RequestError(error.kind(), param, fmt::format("{}: {}", param, error.what()));
  }
}

}  // namespace

Constraints::Constraints(const tokenizer::Tokenizer& tokenizer, std::vector<TokenId> stop_ids)
    : tokenizer_(tokenizer), stop_ids_(std::move(stop_ids)) {}

std::shared_ptr<const grammar::Grammar> Constraints::of_format(const ResponseFormat& format,
                                                               const grammar::Effort& effort) {
  switch (format.kind) {
    case ResponseFormat::Kind::text:
      return nullptr;
    case ResponseFormat::Kind::json_object:
      return grammars_.get("object", [] { return grammar::Grammar::any_json_object(); });
    case ResponseFormat::Kind::json_schema:
      return compiled("response_format", effort, [&] {
        return grammars_.get("schema " + to_text(format.schema),
                             [&] { return grammar::Grammar::from_json_schema(format.schema, effort); });
      });
  }
  return nullptr;
}

std::shared_ptr<const grammar::Grammar> Constraints::of_tool_calls(const Json& tools,
                                                                   const grammar::ToolChoice& choice,
                                                                   const grammar::Effort& effort) {
  const Json form = {choice.name ? Json(*choice.name) : Json(nullptr), choice.max_calls, tools};
  return compiled("tools", effort, [&] {
    return grammars_.get("tools " + to_text(form),
                         [&] { return grammar::Grammar::tool_calls(tools, choice, effort); });
  });
}

std::vector<std::shared_ptr<decode::Constraint>> Constraints::begin(
    const std::shared_ptr<const grammar::Grammar>& grammar, chat::AnswerParser::Begins begins,
    std::size_t answers) {
  std::vector<std::shared_ptr<decode::Constraint>> out(answers);
  if (!grammar || answers == 0) return out;
  const auto known = vocabulary();
  const auto allowance = std::make_shared<grammar::Allowance>(*known, answers);
  for (auto& constraint : out) {
    constraint = std::make_shared<grammar::GrammarConstraint>(grammar, known, allowance);
    if (begins == chat::AnswerParser::Begins::in_content) continue;
    constraint = std::make_shared<grammar::AfterReasoning>(std::move(constraint), known, chat::kThinkClose);
  }
  return out;
}

std::shared_ptr<const grammar::Vocabulary> Constraints::vocabulary() {
  const std::lock_guard lock(mutex_);
  if (!vocabulary_) vocabulary_ = std::make_shared<const grammar::Vocabulary>(tokenizer_, stop_ids_);
  return vocabulary_;
}

}  // namespace nestor::serve
