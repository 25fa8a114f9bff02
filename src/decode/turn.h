// One sequence's state machine: prompt -> generated tokens -> finished. It says which tokens the model needs
// next and takes the logits that come back; it never calls the model: that is what a step does
// (decode/step.h).
//
// Its token history is its only state. What the model already holds of it is asked for at each step, so that
// truncation, preemption and prefix reuse have nothing here to roll back.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/token_id.h"
#include "decode/constraint.h"
#include "decode/draft_wish.h"
#include "decode/drafter.h"
#include "decode/sampler.h"
#include "decode/sampling.h"
#include "lm/language_model.h"

namespace nestor::decode {

enum class FinishReason {
  none,       // still running
  stop,       // a stop token, or whoever reads the text found its end
  length,     // max_tokens or the model's context limit
  cancelled,  // the user asked to stop
};

/// What becomes of a turn after a token that its reader has seen.
enum class Verdict {
  go_on,
  stop,  // the turn ends with FinishReason::stop, e.g. at a stop string
};

/// When a sequence ends. Ignoring the end-of-sequence token = not listing it.
struct StopRule {
  std::vector<TokenId> ids = {};  // e.g. lm::Info::eos_ids
  std::int64_t max_tokens =
      std::numeric_limits<std::int64_t>::max();  // generated; 0 = nothing but prompt_logprobs
  std::int64_t min_tokens = 0;                   // no stop token is chosen before
};

/// What drafts did for a turn.
struct DraftTally {
  std::int64_t drafted = 0, accepted = 0;
  std::int64_t forwards = 0;  // of the target, after the prompt
};

/// The tokens to append to the model's sequence next and the logits to ask for.
struct Wants {
  std::span<const TokenId> ids;  // empty: the turn is finished
  std::int64_t logits = 0;
};

class Turn {
 public:
  /// `sequence` selects the random numbers (Draw::sequence). A constraint, if there is one, stands at the end
  /// of the prompt, and copies of the turn share it. Throws Error(usage) for an empty prompt or a stop rule
  /// that cannot be. The parameters are checked by check_against().
  Turn(std::vector<TokenId> prompt, SamplingParams params, StopRule stop, std::uint64_t sequence = 0,
       std::shared_ptr<Constraint> constraint = {});

  /// Throws Error(usage, bad_input or limit) if the turn cannot run on this model: parameters out of range,
  /// ids outside the vocabulary, a prompt longer than the context limit.
  void check_against(const lm::Info& info) const;

  /// The first token of the history whose logits are wanted: the last one, or the one before the first token
  /// of the prompt that is still to be scored. The model may hold all tokens before it, whoever computed
  /// them.
  std::int64_t first_wanted() const;

  /// The next at most `max_rows` (> 0) tokens that the model lacks, given that its sequence holds the first
  /// `held` tokens of the history: Error(usage) if these are more than first_wanted(). Valid until the turn
  /// changes.
  Wants wants(std::int64_t held, std::int64_t max_rows) const;

  /// Takes the logits of what was wanted: of the tokens of the history from `position` on. Scores the prompt
  /// where that is asked for; with the logits of the last token, goes on like take() below.
  std::optional<Choice> take(std::int64_t position, const lm::Logits& rows, Sampler& sampler);

  /// Takes the logits of the last token of the history and chooses the next. Returns it, or nothing if it was
  /// a stop token, which does not become part of the history. Error(usage) if the turn is finished; after an
  /// error the turn is as it was.
  std::optional<Choice> take(std::span<const float> logits, Sampler& sampler);

  /// The prompt with its log-probabilities where SamplingParams::prompt_logprobs is set, as far as it is
  /// scored, else nothing. Nothing precedes the first token: it has none.
  std::span<const Choice> prompt_scores() const { return scores_; }

  /// Lets somebody guess what comes next. Copies of the turn share the drafter.
  void draft_with(std::shared_ptr<Drafter> drafter, DraftWish wish = {}) {
    drafter_ = std::move(drafter);
    draft_wish_ = std::move(wish);
  }
  Drafter* drafter() const { return drafter_.get(); }
  const DraftWish& draft_wish() const { return draft_wish_; }
  const DraftTally& draft_tally() const { return draft_tally_; }
  void count(const DraftTally& of_forward) {
    draft_tally_.drafted += of_forward.drafted;
    draft_tally_.accepted += of_forward.accepted;
    draft_tally_.forwards += of_forward.forwards;
  }
  /// Drafts that are worth a row each: no more than can be accepted, and none while the prompt is scored.
  std::int64_t drafts_wanted(std::int64_t context_limit) const;
  /// What would be drawn from these logits if they followed the history and the tokens supposed after it:
  /// nothing if that is a stop token. A constraint is not asked: that takes long, and has a limit.
  std::optional<Drawn> guess(std::span<const float> logits, std::span<const TokenId> supposed,
                             Sampler& sampler);

  /// Ends it with FinishReason::length if its next token would not fit under the limit. The last token needs
  /// no room, since it is never appended.
  void end_at(std::int64_t context_limit);

  /// Ends a turn from outside. A finished one keeps its reason, but the end of the text found in the last
  /// allowed token counts as stop, not as length.
  void finish(FinishReason reason);

  bool finished() const { return reason_ != FinishReason::none; }
  FinishReason finish_reason() const { return reason_; }
  /// The stop token that was chosen, if one has ended the turn. It is no part of the history.
  std::optional<TokenId> stop_token() const { return stop_token_; }
  const SamplingParams& params() const { return params_; }
  std::span<const TokenId> history() const { return history_; }  // prompt, then generated
  std::span<const TokenId> prompt() const { return history().first(prompt_length_); }
  std::span<const TokenId> generated() const { return history().subspan(prompt_length_); }
  /// One entry per generated token where SamplingParams::top_logprobs is set, else none.
  std::span<const Choice> logprobs() const { return logprobs_; }

 private:
  bool scores_prompt() const { return params_.prompt_logprobs && scores_.size() < prompt_length_; }
  void score(std::span<const float> logits);
  Context context() const;
  Place place() const { return {.sequence = sequence_, .position = history_.size()}; }
  Choice choose(std::span<const float> logits, Sampler& sampler) const;

  SamplingParams params_;
  StopRule stop_;
  std::uint64_t sequence_;
  std::vector<TokenId> history_;
  std::size_t prompt_length_;
  std::shared_ptr<Constraint> constraint_;
  std::shared_ptr<Drafter> drafter_;
  DraftWish draft_wish_;
  DraftTally draft_tally_;
  std::vector<Choice> logprobs_;
  std::vector<Choice> scores_;
  FinishReason reason_ = FinishReason::none;
  std::optional<TokenId> stop_token_;
};

}  // namespace nestor::decode
