#include "decode/turn.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::decode {

Turn::Turn(std::vector<TokenId> prompt, SamplingParams params, StopRule stop, std::uint64_t sequence)
    : params_(std::move(params)),
      stop_(std::move(stop)),
      sequence_(sequence),
      history_(std::move(prompt)),
      prompt_length_(history_.size()) {
  if (history_.empty()) {
    fail(ErrorKind::usage, "the prompt is empty, expected at least one token: begin with a start token");
  }
  if (stop_.max_tokens < 0)
    fail(ErrorKind::usage, "max_tokens must not be negative, found {}", stop_.max_tokens);
  if (stop_.min_tokens < 0 || stop_.min_tokens > stop_.max_tokens) {
    fail(ErrorKind::usage, "min_tokens must be from 0 to max_tokens = {}, found {}", stop_.max_tokens,
         stop_.min_tokens);
  }
  if (stop_.max_tokens == 0) reason_ = FinishReason::length;
}

void Turn::check_against(const lm::Info& info) const {
  validate(params_, info.vocab_size);
  const auto known = [&](TokenId id) { return id >= 0 && id < info.vocab_size; };
  for (std::size_t i = 0; i < history_.size(); ++i) {
    if (!known(history_[i])) {
      fail(ErrorKind::bad_input,
           "token {} at position {} is not in the vocabulary, expected 0 to {}: text and model need the same "
           "tokenizer",
           history_[i], i, info.vocab_size - 1);
    }
  }
  for (const TokenId id : stop_.ids) {
    if (!known(id)) {
      fail(ErrorKind::usage, "stop token {} is not in the vocabulary, expected 0 to {}", id,
           info.vocab_size - 1);
    }
  }
  if (static_cast<std::int64_t>(prompt_length_) > info.context_limit) {
    fail(ErrorKind::limit, "the prompt has {} tokens, but the context limit is {}: shorten the prompt",
         prompt_length_, info.context_limit);
  }
}

Wants Turn::wants(std::int64_t held, std::int64_t max_rows) const {
  if (finished()) return {};
  const auto length = static_cast<std::int64_t>(history_.size());
  if (held < 0 || held >= length) {
    fail(ErrorKind::usage,
         "the model holds {} of {} tokens, but the last one must be appended for its logits", held, length);
  }
  if (max_rows <= 0) fail(ErrorKind::usage, "a turn needs at least one row, found {}", max_rows);
  const std::int64_t count = std::min(max_rows, length - held);
  return {history().subspan(static_cast<std::size_t>(held), static_cast<std::size_t>(count)),
          held + count == length ? lm::LogitsFor::last : lm::LogitsFor::none};
}

std::optional<Choice> Turn::take(std::span<const float> logits, Sampler& sampler) {
  if (finished()) fail(ErrorKind::usage, "the turn is finished and takes no more logits");
  Context context{.prompt = prompt(), .generated = generated()};
  if (std::ssize(generated()) < stop_.min_tokens) context.forbidden = stop_.ids;
  const Choice choice =
      sampler.choose(logits, params_, context, {.sequence = sequence_, .position = history_.size()});
  if (std::ranges::find(stop_.ids, choice.id) != stop_.ids.end()) {
    reason_ = FinishReason::stop;
    return std::nullopt;
  }
  if (params_.top_logprobs) logprobs_.push_back(choice);
  history_.push_back(choice.id);
  if (std::ssize(generated()) >= stop_.max_tokens) reason_ = FinishReason::length;
  return choice;
}

void Turn::finish(FinishReason reason) {
  if (reason == FinishReason::none) fail(ErrorKind::usage, "a turn cannot be finished without a reason");
  const bool stop_beats_length = reason == FinishReason::stop && reason_ == FinishReason::length;
  if (!finished() || stop_beats_length) reason_ = reason;
}

}  // namespace nestor::decode
