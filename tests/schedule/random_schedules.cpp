#include "random_schedules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "decode/generate.h"
#include "support/toy_drafter.h"

namespace nestor::schedule {
namespace {

/// Allows every id but those of one class, which depends on how many were accepted.
class EveryThird : public decode::Constraint {
 public:
  explicit EveryThird(std::int64_t vocab_size) : vocab_size_(vocab_size) {}
  void allowed(std::span<std::uint64_t> mask) override {
    for (std::int64_t id = 0; id < vocab_size_; ++id) {
      if ((id + accepted_) % 3 != 0) mask[static_cast<std::size_t>(id / 64)] |= std::uint64_t{1} << (id % 64);
    }
  }
  void accept(TokenId id) override {
    EXPECT_NE((id + accepted_) % 3, 0);
    ++accepted_;
  }
  void rewind(std::int64_t tokens) override { accepted_ -= tokens; }

 private:
  std::int64_t vocab_size_;
  std::int64_t accepted_ = 0;
};

decode::SamplingParams random_params(Dice& dice) {
  decode::SamplingParams params;
  params.temperature = dice.one_in(2) ? 0 : 0.5 * static_cast<double>(dice.roll(1, 4));
  params.seed = static_cast<std::uint64_t>(dice.roll(0, 3));
  if (dice.one_in(4)) params.top_k = dice.roll(1, 20);
  if (dice.one_in(4)) params.top_p = 0.8;
  if (dice.one_in(4)) params.repetition_penalty = 1.3;
  if (dice.one_in(4)) params.frequency_penalty = 0.5;
  if (dice.one_in(3)) params.top_logprobs = dice.roll(0, 3);
  if (dice.one_in(6)) params.prompt_logprobs = dice.roll(0, 3);
  return params;
}

/// The answer of the shortest possible loop.
void answer_alone(Question& question, lm::LanguageModel& model) {
  std::vector<decode::Turn> turns = {question.turn()};
  decode::generate(model, turns, {.prefill_chunk = 1, .rows_per_forward = 1, .turns_at_once = 1},
                   [&](std::size_t, const decode::Choice& choice) {
                     question.alone.tokens.push_back(choice);
                     return decode::Verdict::go_on;
                   });
  const auto scores = turns[0].prompt_scores();
  question.alone.prompt_scores.assign(scores.begin(), scores.end());
  question.reason = turns[0].finish_reason();
  question.text = testing::text_of(turns[0]);
}

/// The turn of a question: a third of the times without drafts, a third with those that can be had of lookup
/// and the model's block, and a third with drafts that are right at random.
decode::Turn ask(Dice& dice, const Question& question, std::int64_t vocab_size) {
  decode::Turn turn = question.turn();
  const std::int64_t who = dice.roll(0, 2);
  if (who == 0) return turn;
  if (who == 1) {
    decode::DraftWish wish{.kinds = {decode::DraftKind::lookup, decode::DraftKind::block},
                           .only_if_it_pays = dice.one_in(3)};
    if (dice.one_in(2)) wish.tokens = dice.roll(1, 4);
    if (dice.one_in(2)) wish.kinds.erase(wish.kinds.begin());
    turn.draft_with({}, wish);
    return turn;
  }
  const testing::ToyDrafts drafts{.key = static_cast<std::uint64_t>(dice.roll(0, 1000)),
                                  .right = 0.25 * static_cast<double>(dice.roll(0, 4)),
                                  .longest = dice.roll(1, 8)};
  turn.draft_with(std::make_shared<testing::ToyDrafter>(question.text, vocab_size, drafts));
  return turn;
}

/// One question as it was asked.
struct Asked {
  const Question* question;
  std::shared_ptr<Collector> reader;
  std::size_t stops_after;  // tokens; more than it has: never
  bool cancelled = false;
};

bool same_start(const std::vector<decode::Choice>& some, const std::vector<decode::Choice>& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin(), same);
}

void expect_answered_as_alone(const Asked& asked) {
  using decode::FinishReason;
  const Answer& alone = asked.question->alone;
  const Answer& found = asked.reader->answer;
  ASSERT_TRUE(found.outcome);
  ASSERT_FALSE(found.outcome->error) << found.outcome->error->what();
  EXPECT_EQ(found.outcome->generated_tokens, std::ssize(found.tokens));
  EXPECT_TRUE(same_start(found.tokens, alone.tokens));
  if (found.outcome->reason == FinishReason::cancelled) {
    EXPECT_TRUE(asked.cancelled);
    EXPECT_TRUE(found.prompt_scores.empty() || same_start(alone.prompt_scores, found.prompt_scores));
    return;
  }
  const bool stopped = asked.stops_after <= alone.tokens.size();
  EXPECT_EQ(found.tokens.size(), stopped ? asked.stops_after : alone.tokens.size());
  EXPECT_EQ(found.outcome->reason, stopped ? FinishReason::stop : asked.question->reason);
  EXPECT_TRUE(std::ranges::equal(found.prompt_scores, alone.prompt_scores, same));
}

}  // namespace

bool same(const decode::Choice& a, const decode::Choice& b) {
  const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
  const auto same_entry = [&](const decode::TokenLogprob& x, const decode::TokenLogprob& y) {
    return x.id == y.id && bits(x.logprob) == bits(y.logprob);
  };
  return a.id == b.id && a.logprob.has_value() == b.logprob.has_value() &&
         bits(a.logprob.value_or(0)) == bits(b.logprob.value_or(0)) &&
         std::ranges::equal(a.top, b.top, same_entry);
}

std::vector<Question> random_questions(Dice& dice, lm::LanguageModel& model, std::int64_t count,
                                       std::int64_t longest_prompt, std::int64_t most_tokens) {
  const lm::Info& info = model.info();
  const auto with_ends = [&](std::vector<TokenId> ids) {  // n-grams end at these tokens
    for (TokenId& id : ids) {
      if (dice.one_in(12)) id = dice.pick(info.eos_ids);
    }
    return ids;
  };
  std::vector<std::vector<TokenId>> stems;
  for (int i = 0; i < 3; ++i) stems.push_back(with_ends(dice.tokens(longest_prompt, info.vocab_size)));

  std::vector<Question> questions;
  while (std::ssize(questions) < count) {
    std::vector<TokenId> prompt = dice.pick(stems);
    prompt.resize(static_cast<std::size_t>(dice.roll(1, longest_prompt)));
    const auto tail =
        with_ends(dice.tokens(dice.roll(0, longest_prompt - std::ssize(prompt)), info.vocab_size));
    prompt.insert(prompt.end(), tail.begin(), tail.end());
    stems.push_back(prompt);  // the next ones may go on from it
    const decode::SamplingParams params = random_params(dice);
    decode::StopRule stop{.ids = info.eos_ids, .max_tokens = dice.roll(0, most_tokens)};
    if (dice.one_in(3)) stop.ids = {};
    if (dice.one_in(4)) stop.min_tokens = std::min<std::int64_t>(2, stop.max_tokens);
    const bool constrained = dice.one_in(5);
    Question question;
    question.turn = [=, size = info.vocab_size] {
      return decode::Turn(prompt, params, stop, 0,
                          constrained ? std::make_shared<EveryThird>(size) : nullptr);
    };
    answer_alone(question, model);
    questions.push_back(std::move(question));
  }
  return questions;
}

SchedulerOptions random_options(Dice& dice, std::int64_t rows) {
  SchedulerOptions options;
  options.running = dice.roll(1, 6);
  options.rows_per_forward = options.running + dice.roll(1, rows);
  options.prefill_chunk = dice.roll(1, rows);
  options.patience = dice.roll(1, 20);
  options.parked = dice.one_in(5) ? 0 : dice.roll(1, 8);
  return options;
}

Snapshot play(Dice& dice, lm::LanguageModel& model, const SchedulerOptions& options,
              const std::vector<Question>& questions, std::int64_t count) {
  std::vector<Asked> all;
  Scheduler scheduler(model, options);
  while (std::ssize(all) < count || scheduler.requests() > 0) {
    while (std::ssize(all) < count && dice.one_in(2)) {
      const auto stops_after = static_cast<std::size_t>(dice.one_in(6) ? dice.roll(1, 5) : 1000);
      all.push_back({&dice.pick(questions), std::make_shared<Collector>(stops_after), stops_after});
      scheduler.add(std::make_unique<Entry>(static_cast<RequestId>(all.size() - 1),
                                            Request{ask(dice, *all.back().question, model.info().vocab_size),
                                                    static_cast<int>(dice.roll(-1, 1)), all.back().reader}));
    }
    if (!all.empty() && dice.one_in(12)) {
      const auto id = static_cast<std::size_t>(dice.roll(0, std::ssize(all) - 1));
      all[id].cancelled = true;
      scheduler.cancel(static_cast<RequestId>(id));
    }
    scheduler.step();
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE("request " + std::to_string(i));
    expect_answered_as_alone(all[i]);
  }
  return scheduler.snapshot();
}

}  // namespace nestor::schedule
