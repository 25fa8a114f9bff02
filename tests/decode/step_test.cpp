// Steps with drafts: no text, number or end depends on what was drafted.
#include "decode/step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "decode/generate.h"
#include "support/refusal.h"
#include "support/toy_drafter.h"
#include "support/toy_model.h"

namespace nestor::decode {
namespace {

using testing::ToyDrafter;
using testing::ToyDrafts;
using testing::ToyModel;
using Ids = std::vector<TokenId>;

constexpr std::int64_t kContext = 60;

/// Allows every id but those of one class, which depends on how many were accepted.
class EveryThird : public Constraint {
 public:
  void allowed(std::span<std::uint64_t> mask) override {
    for (std::int64_t id = 0; id < 50; ++id) {
      if ((id + accepted_) % 3 != 0) mask[0] |= std::uint64_t{1} << id;
    }
  }
  void accept(TokenId id) override {
    EXPECT_NE((id + accepted_) % 3, 0);
    ++accepted_;
  }
  void rewind(std::int64_t tokens) override { accepted_ -= tokens; }

 private:
  std::int64_t accepted_ = 0;
};

/// Turns with every parameter and every end.
Turn turn_of(std::uint64_t i) {
  Ids prompt(1 + i * i % 37);
  for (std::size_t at = 0; at < prompt.size(); ++at)
    prompt[at] = static_cast<TokenId>(50 * uniform(i, at, 3));
  SamplingParams params{.temperature = 0.3 * static_cast<double>(i % 4), .seed = i / 2};
  if (i % 3 == 1) params.top_k = 7;
  if (i % 4 == 2) params.top_p = 0.8;
  if (i % 4 == 1) params.frequency_penalty = 0.5;
  if (i % 5 == 1) params.presence_penalty = 0.7;
  if (i % 5 == 2) params.repetition_penalty = 1.3;
  if (i % 6 == 3) params.logit_bias = {{7, 3.0F}, {8, -50.0F}};
  if (i % 3 == 2) params.top_logprobs = static_cast<std::int64_t>(i % 4);
  if (i % 7 == 3) params.prompt_logprobs = 1;
  StopRule stop{.max_tokens = static_cast<std::int64_t>(i * 3 % 41)};
  if (i % 2 == 0) stop.ids = {0, 1};
  if (i % 6 == 4) stop.max_tokens = 1000;  // to the end of the context
  if (i % 4 == 0) stop.min_tokens = std::min<std::int64_t>(3, stop.max_tokens);
  return {prompt, params, stop, i, i % 5 == 4 ? std::make_shared<EveryThird>() : nullptr};
}
constexpr std::uint64_t kTurns = 60;

std::vector<Turn> many_turns() {
  std::vector<Turn> turns;
  for (std::uint64_t i = 0; i < kTurns; ++i) turns.push_back(turn_of(i));
  return turns;
}

/// A reader that has enough of some of them.
Verdict verdict(const Turn& turn, std::size_t i) {
  return i % 8 == 7 && turn.generated().size() >= 5 ? Verdict::stop : Verdict::go_on;
}

void expect_same(const Choice& a, const Choice& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.logprob, b.logprob);
  ASSERT_EQ(a.top.size(), b.top.size());
  for (std::size_t i = 0; i < a.top.size(); ++i) {
    EXPECT_EQ(a.top[i].id, b.top[i].id);
    EXPECT_EQ(a.top[i].logprob, b.top[i].logprob);
  }
}

void expect_same(const Turn& found, const Turn& plain) {
  EXPECT_TRUE(std::ranges::equal(found.history(), plain.history()));
  EXPECT_EQ(found.finish_reason(), plain.finish_reason());
  EXPECT_EQ(found.stop_token(), plain.stop_token());
  ASSERT_EQ(found.logprobs().size(), plain.logprobs().size());
  for (std::size_t i = 0; i < plain.logprobs().size(); ++i)
    expect_same(found.logprobs()[i], plain.logprobs()[i]);
  ASSERT_EQ(found.prompt_scores().size(), plain.prompt_scores().size());
  for (std::size_t i = 0; i < plain.prompt_scores().size(); ++i)
    expect_same(found.prompt_scores()[i], plain.prompt_scores()[i]);
}

/// The turns as they are without drafts, and how many forwards that took.
struct Plain {
  std::vector<Turn> turns = many_turns();
  std::int64_t forwards = 0;
};
const Plain& plain() {
  static const Plain all = [] {
    Plain p;
    ToyModel model(50, kContext);
    generate(model, p.turns, {.turns_at_once = 1},
             [&](std::size_t i, const Choice&) { return verdict(p.turns[i], i); });
    p.forwards = model.forwards;
    return p;
  }();
  return all;
}

std::vector<Turn> drafted_turns(const ToyDrafts& drafts) {
  std::vector<Turn> turns = many_turns();
  for (std::size_t i = 0; i < turns.size(); ++i) {
    ToyDrafts own = drafts;
    own.key = drafts.key * 1000 + i;
    turns[i].draft_with(std::make_shared<ToyDrafter>(testing::text_of(plain().turns[i]), 50, own));
  }
  return turns;
}

TEST(Step, DraftsChangeNothingButTheNumberOfForwards) {
  for (const FinishReason reason : {FinishReason::stop, FinishReason::length}) {
    EXPECT_GT(std::ranges::count(plain().turns, reason, &Turn::finish_reason), 10);  // the case has both ends
  }
  for (const double right : {0.0, 0.5, 0.9, 1.0}) {
    for (const std::int64_t longest : {1, 4, 30}) {
      for (const std::int64_t rows : {1, 3, 1000}) {
        SCOPED_TRACE(::testing::Message() << right << " right, " << longest << " long, " << rows << " rows");
        ToyModel model(50, kContext);
        std::vector<Turn> turns = drafted_turns({.key = 5, .right = right, .longest = longest});
        std::vector<Ids> seen(turns.size());
        generate(model, turns, {.prefill_chunk = rows, .rows_per_forward = 3 * rows, .turns_at_once = 1},
                 [&](std::size_t i, const Choice& choice) {
                   seen[i].push_back(choice.id);
                   EXPECT_EQ(turns[i].generated().size(), seen[i].size());  // told before the next is chosen
                   return verdict(turns[i], i);
                 });
        for (std::size_t i = 0; i < turns.size(); ++i) {
          SCOPED_TRACE(i);
          expect_same(turns[i], plain().turns[i]);
          EXPECT_TRUE(std::ranges::equal(seen[i], turns[i].generated()));
        }
        EXPECT_EQ(model.open_now(), 0);
        if (rows < 1000) continue;
        if (right == 0) {
          EXPECT_EQ(model.forwards, plain().forwards);
        }
        if (right > 0) {
          EXPECT_LT(model.forwards, plain().forwards);
        }
        if (right == 1 && longest == 30) {
          EXPECT_LT(model.forwards, plain().forwards / 4);
        }
      }
    }
  }
}

TEST(Step, DraftsInABatchChangeNothing) {
  for (const std::int64_t rows : {5, 64, 1024}) {
    for (const std::int64_t at_once : {4, 32}) {
      ToyModel model(50, kContext);
      std::vector<Turn> turns = drafted_turns({.key = 6, .right = 0.7});
      generate(model, turns, {.prefill_chunk = 7, .rows_per_forward = rows, .turns_at_once = at_once},
               [&](std::size_t i, const Choice&) { return verdict(turns[i], i); });
      for (std::size_t i = 0; i < turns.size(); ++i) expect_same(turns[i], plain().turns[i]);
      EXPECT_LE(model.most_rows, rows);
    }
  }
}

TEST(Step, TheModelNeverKeepsWhatWasNotChosen) {
  ToyModel model(50, kContext);
  for (std::uint64_t i = 0; i < kTurns; ++i) {
    for (const double right : {0.0, 0.5, 1.0}) {
      Turn turn = turn_of(i);
      turn.draft_with(std::make_shared<ToyDrafter>(testing::text_of(plain().turns[i]), 50,
                                                   ToyDrafts{.key = i, .right = right, .longest = 6}));
      lm::Sequence sequence(model);
      Step step(model, kContext);
      while (!turn.finished()) {
        step.clear();
        step.add(turn, sequence, 9);
        step.forward();
        step.take(0, [&](const Choice&) { return verdict(turn, i); });
        const auto held = sequence.history();
        ASSERT_TRUE(std::ranges::equal(held, turn.history().first(held.size())));
        ASSERT_TRUE(turn.finished() || std::ssize(held) <= turn.first_wanted());
      }
    }
  }
}

TEST(Step, ARightDrafterSavesAForwardForEachDraft) {
  ToyModel model;
  Turn alone({1, 2, 3}, {.temperature = 0}, {.max_tokens = 40});
  lm::Sequence sequence(model);
  generate(model, alone, sequence, {}, {});
  EXPECT_EQ(model.forwards, 40);

  class Four : public ToyDrafter {
   public:
    using ToyDrafter::ToyDrafter;
    std::int64_t wanted(const Turn&) noexcept override { return 4; }
    void draft(std::span<const DraftJob> jobs) override {
      most = std::max(most, jobs.front().most);
      ToyDrafter::draft(jobs);
    }
    std::size_t most = 0;
  };
  ToyModel another;
  Turn turn({1, 2, 3}, {.temperature = 0}, {.max_tokens = 40});
  const auto four = std::make_shared<Four>(testing::text_of(alone), 50, ToyDrafts{.key = 3});
  turn.draft_with(four);
  lm::Sequence drafted(another);
  generate(another, turn, drafted, {}, {});
  expect_same(turn, alone);
  EXPECT_LE(another.forwards, 9);  // eight of five tokens, and one more for drafts that were left out
  EXPECT_EQ(another.most_logits, 5);
  EXPECT_EQ(four->most, 4U);
}

TEST(Step, DraftsBehindAPromptAreVerifiedWithItsLastToken) {
  ToyModel model;
  Turn alone({1, 2, 3, 4}, {.temperature = 0}, {.max_tokens = 3});
  lm::Sequence first(model), second(model);
  generate(model, alone, first, {}, {});
  const auto text = testing::text_of(alone);
  Turn turn({1, 2, 3, 4}, {.temperature = 0}, {.max_tokens = 3});
  turn.draft_with(std::make_shared<ToyDrafter>(text, 50, ToyDrafts{.key = 1, .longest = 1000}));
  EXPECT_EQ(turn.drafts_wanted(1000), 2);  // more could not be accepted
  EXPECT_EQ(turn.drafts_wanted(5), 1);
  EXPECT_EQ(turn.drafts_wanted(4), 0);
  Step step(model, 1000);
  EXPECT_EQ(step.add(turn, second, 3), 3);  // without the prompt's end there is nothing to verify
  step.forward();
  step.take(0, {});
  EXPECT_TRUE(turn.generated().empty());
  step.clear();
  EXPECT_GE(step.add(turn, second, 512), 2);
  step.forward();
  step.take(0, {});
  EXPECT_GE(turn.generated().size(), 2U);
}

TEST(Step, AReaderThatThrowsInTheMiddleOfARunLosesNothing) {
  ToyModel model;
  Turn alone({1, 2, 3}, {.temperature = 0}, {.max_tokens = 12});
  lm::Sequence first(model), second(model);
  generate(model, alone, first, {}, {});
  Turn turn({1, 2, 3}, {.temperature = 0}, {.max_tokens = 12});
  turn.draft_with(
      std::make_shared<ToyDrafter>(testing::text_of(alone), 50, ToyDrafts{.key = 8, .longest = 50}));
  const auto at_the_third = [&](const Choice&) -> Verdict {
    if (turn.generated().size() == 3) throw std::runtime_error("enough");
    return Verdict::go_on;
  };
  EXPECT_THROW(generate(model, turn, second, {}, at_the_third), std::runtime_error);
  EXPECT_EQ(turn.generated().size(), 3U);
  EXPECT_TRUE(std::ranges::equal(second.history(), turn.history().first(second.history().size())));
  second.truncate(std::min(second.length(), turn.first_wanted()));
  generate(model, turn, second, {}, {});
  expect_same(turn, alone);
}

TEST(Step, ADrafterThatThrowsFailsBeforeAnythingIsComputed) {
  class Broken : public Drafter {
    std::int64_t wanted(const Turn&) noexcept override { return 2; }
    void draft(std::span<const DraftJob>) override { throw std::runtime_error("nothing comes to mind"); }
  };
  ToyModel model;
  Turn turn({1, 2, 3}, {.temperature = 0}, {.max_tokens = 12});
  turn.draft_with(std::make_shared<Broken>());
  lm::Sequence sequence(model);
  EXPECT_THROW(generate(model, turn, sequence, {}, {}), std::runtime_error);
  EXPECT_EQ(model.forwards, 0);
}

TEST(Batch, RowsThatNobodyAskedForLeaveTheSequencesAsTheyWere) {
  class Generous : public ToyModel {
   public:
    lm::Logits forward(std::span<const lm::Chunk> batch) override {
      ToyModel::forward(batch);
      return {row, info().vocab_size};
    }
    std::vector<float> row = std::vector<float>(150);
  };
  Generous model;
  const lm::Sequence a(model), b(model);
  const Ids ids = {1, 2, 3};
  Batch batch(model);
  batch.add({a.id(), ids, 2});
  batch.add({b.id(), ids, 0});
  EXPECT_REFUSED(batch.forward(), ErrorKind::internal, "the model returned 3 rows of logits, expected 2");
  EXPECT_EQ(a.length() + b.length(), 0);
}

}  // namespace
}  // namespace nestor::decode
