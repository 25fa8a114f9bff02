// Question-answering tasks read from JSONL: multiple choice by likelihood, and generation with exact match.
// Scores are defined as lm-evaluation-harness defines them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/token_id.h"
#include "decode/generate.h"
#include "eval/score.h"
#include "lm/language_model.h"
#include "tokenizer/tokenizer.h"

namespace nestor::eval {

/// {"question": text, "choices": [text, ...], "answer": index from 0, or the text of a choice}
struct MultipleChoice {
  std::string question;
  std::vector<std::string> choices;
  std::size_t answer = 0;
};

/// {"question": text, "answer": text, or a list of accepted texts}
struct Generation {
  std::string question;
  std::vector<std::string> answers;
};

/// One object a line; empty lines are skipped. Throws Error(bad_input) with `what` and the line: malformed
/// JSON, missing, unknown or ill-typed keys, no line at all.
std::vector<MultipleChoice> parse_multiple_choice(std::string_view jsonl, std::string_view what);
std::vector<Generation> parse_generation(std::string_view jsonl, std::string_view what);

/// A mean of n values that are 0 or 1.
struct Accuracy {
  std::int64_t right = 0;
  std::int64_t total = 0;

  double value() const { return total == 0 ? 0 : static_cast<double>(right) / static_cast<double>(total); }
  /// sqrt(p (1 - p) / (n - 1)); 0 for a single question.
  double standard_error() const;
};

struct MultipleChoiceResult {
  Accuracy acc;                // the choice with the largest log-likelihood, the first among equals
  Accuracy acc_norm;           // the same per character (code point) of the choice
  std::int64_t shortened = 0;  // questions that lost tokens at their beginning to fit the context
};

/// The context is the question's text, a choice follows it after one space; both are tokenized together and
/// divided where the question's own tokens end.
MultipleChoiceResult multiple_choice(lm::LanguageModel& model, const tokenizer::Tokenizer& tokenizer,
                                     std::span<const MultipleChoice> tasks, const ScoreOptions& options,
                                     ProgressSink& progress);

struct GenerationOptions {
  std::int64_t max_tokens = 64;
  std::vector<std::string> stops = {"\n"};  // the answer ends before the first of these
  std::vector<TokenId> stop_ids;
  decode::GenerateOptions decoding;
};

struct GenerationResult {
  Accuracy exact_match;  // the generated text equals an accepted one, both without white space around them
  std::vector<std::string> texts;  // what was generated, one per task
  std::int64_t shortened = 0;
};

/// Greedy answers to the questions.
GenerationResult generation(lm::LanguageModel& model, const tokenizer::Tokenizer& tokenizer,
                            std::span<const Generation> tasks, const GenerationOptions& options,
                            ProgressSink& progress);

}  // namespace nestor::eval
