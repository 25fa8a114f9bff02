#include "serve/answer/completion_reader.h"

#include <utility>

#include "serve/answer/ending.h"

namespace nestor::serve {

CompletionReader::CompletionReader(std::shared_ptr<Answers> answers, const tokenizer::Tokenizer& tokenizer,
                                   Options options)
    : answers_(std::move(answers)),
      options_(std::move(options)),
      pipe_(tokenizer, options_.text),
      logprobs_(tokenizer) {}

decode::Verdict CompletionReader::token(const decode::Choice& choice) {
  if (options_.logprobs) logprobs_.add(choice);
  put(std::exchange(options_.echo, {}) + pipe_.push(choice.id), options_.logprobs);
  return pipe_.stopped() ? decode::Verdict::stop : decode::Verdict::go_on;
}

void CompletionReader::prompt_scores(std::span<const decode::Choice> scores) {
  for (const decode::Choice& score : scores) logprobs_.add(score);
  put(std::exchange(options_.echo, {}), true);
}

void CompletionReader::finished(const schedule::Outcome& outcome) {
  if (outcome.error) return answers_->done(options_.index, nullptr, outcome);
  put(std::exchange(options_.echo, {}) + pipe_.finish(), false);
  const bool whole = !answers_->stream();
  Json last = choice(std::move(text_), whole && options_.logprobs ? logprobs_.take() : nullptr,
                     finish_reason(pipe_, outcome), stop_reason(pipe_, outcome, options_.eos_ids));
  const bool ended_well = outcome.reason != decode::FinishReason::cancelled;
  if (!whole && ended_well) answers_->chunk(last);
  answers_->done(options_.index, std::move(last), outcome);
}

void CompletionReader::put(const std::string& piece, bool has_logprobs) {
  if (!answers_->stream()) {
    text_ += piece;
  } else if (!piece.empty() || has_logprobs) {
    answers_->chunk(choice(piece, has_logprobs ? logprobs_.take() : nullptr, nullptr, nullptr));
  }
}

Json CompletionReader::choice(std::string text, Json logprobs, Json finish_reason, Json stop_reason) const {
  return {{"index", options_.index},
          {"text", std::move(text)},
          {"logprobs", std::move(logprobs)},
          {"finish_reason", std::move(finish_reason)},
          {"stop_reason", std::move(stop_reason)}};
}

}  // namespace nestor::serve
