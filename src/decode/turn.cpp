#include "decode/turn.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::decode {
namespace {

// Rows of logits that one forward() has at most for scoring a prompt: with a vocabulary of 131,072 they take
// 32 MiB.
constexpr std::int64_t kScoredRows = 64;

bool allows_only(std::vector<std::uint64_t> mask, std::span<const TokenId> ids) {
  for (const TokenId id : ids) {
    mask[static_cast<std::size_t>(id) / 64] &= ~(std::uint64_t{1} << (static_cast<std::size_t>(id) % 64));
  }
  return std::ranges::all_of(mask, [](std::uint64_t word) { return word == 0; });
}

}  // namespace

Turn::Turn(std::vector<TokenId> prompt, SamplingParams params, StopRule stop, std::uint64_t sequence,
           std::shared_ptr<Constraint> constraint)
    : params_(std::move(params)),
      stop_(std::move(stop)),
      sequence_(sequence),
      history_(std::move(prompt)),
      prompt_length_(history_.size()),
      constraint_(std::move(constraint)) {
  if (history_.empty()) {
    fail(ErrorKind::usage, "the prompt is empty, expected at least one token: begin with a start token");
  }
  if (stop_.max_tokens < 0)
    fail(ErrorKind::usage, "max_tokens must not be negative, found {}", stop_.max_tokens);
  if (stop_.min_tokens < 0 || stop_.min_tokens > stop_.max_tokens) {
    fail(ErrorKind::usage, "min_tokens must be from 0 to max_tokens = {}, found {}", stop_.max_tokens,
         stop_.min_tokens);
  }
  if (params_.prompt_logprobs) scores_.push_back({.id = history_.front(), .logprob = {}, .top = {}});
  if (stop_.max_tokens == 0 && !scores_prompt()) reason_ = FinishReason::length;
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

std::int64_t Turn::first_wanted() const {
  return (scores_prompt() ? std::ssize(scores_) : std::ssize(history_)) - 1;
}

Wants Turn::wants(std::int64_t held, std::int64_t max_rows) const {
  if (finished()) return {};
  if (held < 0 || held > first_wanted()) {
    fail(ErrorKind::usage, "the model holds {} of {} tokens, but the logits of token {} are wanted", held,
         history_.size(), first_wanted());
  }
  if (max_rows <= 0) fail(ErrorKind::usage, "a turn needs at least one row, found {}", max_rows);
  const auto next = [&](std::int64_t count, std::int64_t logits) -> Wants {
    return {history().subspan(static_cast<std::size_t>(held), static_cast<std::size_t>(count)), logits};
  };
  const std::int64_t end = std::ssize(history_);
  if (scores_prompt()) {
    if (held < first_wanted()) return next(std::min(max_rows, first_wanted() - held), 0);
    // Nobody asked for the token after the prompt: then nobody needs its logits.
    const std::int64_t scored_end = stop_.max_tokens == 0 ? end - 1 : end;
    const std::int64_t count = std::min({max_rows, kScoredRows, scored_end - held});
    return next(count, count);
  }
  const std::int64_t count = std::min(max_rows, end - held);
  return next(count, held + count == end ? 1 : 0);
}

std::optional<Choice> Turn::take(std::int64_t position, const lm::Logits& rows, Sampler& sampler) {
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    if (scores_prompt() && position + i == first_wanted()) score(rows.row(i));
  }
  if (finished() || rows.rows() == 0 || position + rows.rows() != std::ssize(history_)) return std::nullopt;
  return take(rows.row(rows.rows() - 1), sampler);
}

void Turn::score(std::span<const float> logits) {
  scores_.push_back(scored(history_[scores_.size()], logits, *params_.prompt_logprobs));
  if (!scores_prompt() && stop_.max_tokens == 0) finish(FinishReason::length);
}

// What the next choice depends on, apart from a constraint.
Context Turn::context() const {
  Context context{.prompt = prompt(), .generated = generated()};
  if (std::ssize(generated()) < stop_.min_tokens) context.forbidden = stop_.ids;
  return context;
}

Choice Turn::choose(std::span<const float> logits, Sampler& sampler) const {
  Context next = context();
  std::vector<std::uint64_t> mask;
  if (constraint_) {
    mask.resize((logits.size() + 63) / 64);
    constraint_->allowed(mask);
    next.allowed = mask;
    // Where the text must end, min_tokens cannot be had.
    if (!next.forbidden.empty() && allows_only(mask, stop_.ids)) next.forbidden = {};
  }
  return sampler.choose(logits, params_, next, place());
}

std::optional<Drawn> Turn::guess(std::span<const float> logits, std::span<const TokenId> supposed,
                                 Sampler& sampler) {
  struct Supposing {
    std::vector<TokenId>& history;
    std::size_t length;
    ~Supposing() { history.resize(length); }
  } const supposing{history_, history_.size()};
  history_.insert(history_.end(), supposed.begin(), supposed.end());
  const Drawn drawn = sampler.draw(logits, params_, context(), place());
  if (std::ranges::find(stop_.ids, drawn.id) != stop_.ids.end()) return std::nullopt;
  return drawn;
}

std::optional<Choice> Turn::take(std::span<const float> logits, Sampler& sampler) {
  if (finished()) fail(ErrorKind::usage, "the turn is finished and takes no more logits");
  const Choice choice = choose(logits, sampler);
  if (std::ranges::find(stop_.ids, choice.id) != stop_.ids.end()) {
    reason_ = FinishReason::stop;
    stop_token_ = choice.id;
    return std::nullopt;
  }
  if (constraint_) constraint_->accept(choice.id);
  if (params_.top_logprobs) logprobs_.push_back(choice);
  history_.push_back(choice.id);
  if (std::ssize(generated()) >= stop_.max_tokens) reason_ = FinishReason::length;
  return choice;
}

std::int64_t Turn::drafts_wanted(std::int64_t context_limit) const {
  if (!drafter_ || finished() || scores_prompt()) return 0;
  const std::int64_t room =
      std::min(stop_.max_tokens - std::ssize(generated()) - 1, context_limit - std::ssize(history_));
  return std::max<std::int64_t>(0, std::min(drafter_->wanted(*this), room));
}

void Turn::end_at(std::int64_t context_limit) {
  if (std::ssize(history_) > context_limit) finish(FinishReason::length);
}

void Turn::finish(FinishReason reason) {
  if (reason == FinishReason::none) fail(ErrorKind::usage, "a turn cannot be finished without a reason");
  const bool stop_beats_length = reason == FinishReason::stop && reason_ == FinishReason::length;
  if (!finished() || stop_beats_length) reason_ = reason;
}

}  // namespace nestor::decode
