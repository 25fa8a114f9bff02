// What a request demands of its answer's form, as constraints on the next token.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/json_fwd.h"
#include "chat/answer_parser.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "serve/answer/grammar_cache.h"
#include "serve/api/response_format.h"
#include "tokenizer/tokenizer.h"

namespace nestor::serve {

/// Compiles grammars and sees a model's vocabulary as they need it. Any thread may ask. Refers to the
/// tokenizer.
class Constraints {
 public:
  Constraints(const tokenizer::Tokenizer& tokenizer, std::vector<TokenId> stop_ids);

  /// Nothing for text. Throws RequestError for a schema that is none or that goes beyond what is supported,
  /// grammar::EffortSpent where a little effort does not do, Error(cancelled) where it was to stop.
  std::shared_ptr<const grammar::Grammar> of_format(const ResponseFormat& format,
                                                    const grammar::Effort& effort = {});
  /// One call at least. Throws as of_format(), RequestError for parameters whose schema cannot be had.
  std::shared_ptr<const grammar::Grammar> of_tool_calls(const Json& tools, const grammar::ToolChoice& choice,
                                                        const grammar::Effort& effort = {});

  /// The constraints of all `answers` to one request, none of them where there is no grammar. Where an answer
  /// begins in reasoning, that comes first. Throws Error(unsupported) for a vocabulary that cannot write
  /// every text, Error(limit) for a grammar with too many ways to begin.
  std::vector<std::shared_ptr<decode::Constraint>> begin(
      const std::shared_ptr<const grammar::Grammar>& grammar, chat::AnswerParser::Begins begins,
      std::size_t answers);

 private:
  std::shared_ptr<const grammar::Vocabulary> vocabulary();

  const tokenizer::Tokenizer& tokenizer_;
  std::vector<TokenId> stop_ids_;
  GrammarCache grammars_;
  std::mutex mutex_;                                       // guards what follows
  std::shared_ptr<const grammar::Vocabulary> vocabulary_;  // built when it is needed first
};

}  // namespace nestor::serve
