#include "schedule/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "collector.h"
#include "decode/generate.h"
#include "dice.h"
#include "paged_toy_model.h"
#include "support/refusal.h"
#include "support/toy_drafter.h"

namespace nestor::schedule {
namespace {

using decode::FinishReason;
using decode::Turn;
using Ids = std::vector<TokenId>;

class SchedulerTest : public ::testing::Test {
 protected:
  void open(const ToyOptions& toy, const SchedulerOptions& options = {}) {
    scheduler_.reset();
    model_ = std::make_unique<PagedToyModel>(toy);
    scheduler_.emplace(*model_, options);
  }
  void SetUp() override { open({}); }

  std::shared_ptr<Collector> add(Turn turn, int priority = 0) {
    auto reader = std::make_shared<Collector>();
    add_with(reader, std::move(turn), priority);
    return reader;
  }
  RequestId add_with(std::shared_ptr<Reader> reader, Turn turn, int priority = 0) {
    const auto id = static_cast<RequestId>(++last_);
    scheduler_->add(std::make_unique<Entry>(id, Request{std::move(turn), priority, std::move(reader)}));
    return id;
  }
  RequestId last() const { return static_cast<RequestId>(last_); }
  void run() {
    while (scheduler_->step()) {
    }
  }
  std::shared_ptr<Collector> ask(Turn turn) {
    auto reader = add(std::move(turn));
    run();
    return reader;
  }

  static Turn greedy(Ids prompt, std::int64_t tokens) {
    return {std::move(prompt), {.temperature = 0}, {.max_tokens = tokens}};
  }
  static Ids ids(std::int64_t count, std::uint64_t key = 1) { return Dice(key).tokens(count, 50); }
  Snapshot now() const { return scheduler_->snapshot(); }

  std::unique_ptr<PagedToyModel> model_;
  std::optional<Scheduler> scheduler_;
  std::uint64_t last_ = 0;
};

TEST_F(SchedulerTest, OneForwardForAll) {
  const auto a = add(greedy(ids(10, 1), 6)), b = add(greedy(ids(20, 2), 6)), c = add(greedy(ids(30, 3), 6));
  run();
  EXPECT_EQ(model_->forwards, 6);
  for (const auto& reader : {a, b, c}) {
    EXPECT_EQ(reader->answer.tokens.size(), 6U);
    EXPECT_EQ(reader->answer.outcome->reason, FinishReason::length);
  }
  EXPECT_EQ(now().prefill_tokens, 60U);
  EXPECT_EQ(now().decode_tokens, 15U);  // the last tokens are never appended
  EXPECT_EQ(now().generated_tokens, 18U);
  EXPECT_EQ(now().finished_length, 3U);
  EXPECT_EQ(now().steps, 6U);
  EXPECT_EQ(now().first_token.count, 3U);
  EXPECT_EQ(now().inter_token.count, 15U);
  EXPECT_FALSE(scheduler_->step());
}

TEST_F(SchedulerTest, APrefixIsComputedOnce) {
  const Ids shared = ids(100);
  const auto with = [&](TokenId last) {
    Ids prompt = shared;
    prompt.push_back(last);
    return greedy(prompt, 3);
  };
  EXPECT_EQ(ask(with(1))->answer.outcome->cached_tokens, 0);
  EXPECT_EQ(ask(with(2))->answer.outcome->cached_tokens, 100);
  const std::int64_t before = model_->appended;
  EXPECT_EQ(ask(with(3))->answer.outcome->cached_tokens, 100);
  EXPECT_EQ(model_->appended - before, 3);  // the last of the prompt and two that were generated
  // All of the prompt is known: its last token is computed again, for its logits.
  EXPECT_EQ(ask(greedy(shared, 1))->answer.outcome->cached_tokens, 99);
  EXPECT_EQ(now().prefix_hit_tokens, 299U);
  EXPECT_EQ(now().prompt_tokens, 403U);
}

TEST_F(SchedulerTest, AConversationGoesOnFromItsAnswer) {
  const auto first = ask(greedy(ids(30), 10));
  Ids history = ids(30);
  for (const TokenId id : ids_of(first->answer.tokens)) history.push_back(id);
  history.push_back(7);
  EXPECT_EQ(ask(greedy(history, 1))->answer.outcome->cached_tokens, 39);  // the last one was never appended
}

TEST_F(SchedulerTest, TheSamePromptAtOnceIsComputedOnceToo) {
  std::vector<std::shared_ptr<Collector>> readers;
  for (int i = 0; i < 8; ++i) readers.push_back(add(greedy(ids(100), 4)));
  run();
  EXPECT_EQ(now().prefill_tokens, 100U + 7);
  EXPECT_EQ(now().prefix_hit_tokens, 7U * 99);
  for (const auto& reader : readers) {
    EXPECT_EQ(ids_of(reader->answer.tokens), ids_of(readers[0]->answer.tokens));
  }
}

TEST_F(SchedulerTest, WithoutParkingNothingIsKept) {
  open({}, {.parked = 0});
  ask(greedy(ids(10), 3));
  EXPECT_EQ(model_->open_now(), 0);
  EXPECT_EQ(ask(greedy(ids(10), 3))->answer.outcome->cached_tokens, 0);
}

TEST_F(SchedulerTest, MemoryBoundsWhatIsKept) {
  open({.pages = 10, .page_positions = 4});
  for (std::uint64_t key = 0; key < 20; ++key) ask(greedy(ids(13, key), 3));
  EXPECT_LE(now().pages_in_use, 10);
  EXPECT_EQ(now().preemptions, 0U);
  EXPECT_EQ(now().parked, 2);  // of 15 tokens
  EXPECT_EQ(ask(greedy(ids(13, 18), 1))->answer.outcome->cached_tokens, 12);
  EXPECT_EQ(ask(greedy(ids(13, 17), 1))->answer.outcome->cached_tokens, 0);
}

TEST_F(SchedulerTest, MemoryEndsWhatOutgrowsIt) {
  open({.context_limit = 1000, .pages = 5, .page_positions = 4});
  EXPECT_EQ(scheduler_->info().context_limit, 20);
  const auto reader = ask({ids(8), {.temperature = 0}, {}});
  EXPECT_EQ(reader->answer.outcome->reason, FinishReason::length);
  EXPECT_EQ(reader->answer.tokens.size(), 13U);  // 20 in the model and one that was never appended
  EXPECT_EQ(ask(greedy(ids(20), 3))->answer.tokens.size(), 1U);
  EXPECT_EQ(ask(greedy(ids(21), 3))->answer.tokens.size(), 0U);
}

TEST_F(SchedulerTest, PreemptionWhenMemoryRunsOut) {
  open({.pages = 10, .page_positions = 4});
  const auto a = add(greedy(ids(8, 1), 30)), b = add(greedy(ids(8, 2), 30));
  run();
  EXPECT_GT(now().preemptions, 0U);
  EXPECT_EQ(ids_of(a->answer.tokens), ids_of(ask(greedy(ids(8, 1), 30))->answer.tokens));
  EXPECT_EQ(ids_of(b->answer.tokens), ids_of(ask(greedy(ids(8, 2), 30))->answer.tokens));
}

TEST_F(SchedulerTest, ABetterPriorityTakesThePlaceAndGivesItBack) {
  open({}, {.running = 1});
  std::vector<char> order;
  const auto low = add(greedy(ids(8, 1), 20), 5);
  low->on_finished = [&] { order.push_back('l'); };
  for (int i = 0; i < 5; ++i) scheduler_->step();
  const auto high = add(greedy(ids(8, 2), 20), 0);
  high->on_finished = [&] { order.push_back('h'); };
  run();
  EXPECT_EQ(order, (std::vector<char>{'h', 'l'}));
  EXPECT_EQ(now().preemptions, 1U);
  EXPECT_EQ(now().prefill_tokens, 8U + 8);  // there was memory to go on from where it was
}

TEST_F(SchedulerTest, CancellingEndsOneAtOnce) {
  open({}, {.running = 1});
  const auto a = add(greedy(ids(8, 1), 20));
  const RequestId first = last();
  const auto b = add(greedy(ids(8, 2), 4));
  const RequestId second = last();
  scheduler_->step();
  scheduler_->cancel(first);
  EXPECT_EQ(a->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(a->answer.tokens.size(), 1U);
  scheduler_->cancel(first);
  scheduler_->cancel(RequestId{77});
  const auto c = add(greedy(ids(8, 3), 4));
  scheduler_->cancel(last());  // has not begun
  EXPECT_EQ(c->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(c->answer.outcome->generated_tokens, 0);
  run();
  scheduler_->cancel(second);
  EXPECT_EQ(b->answer.outcome->reason, FinishReason::length);
  EXPECT_EQ(now().finished_cancelled, 2U);
}

TEST_F(SchedulerTest, TheEndCancelsWhatIsLeft) {
  const auto a = add(greedy(ids(8, 1), 20)), b = add(greedy(ids(8, 2), 20));
  scheduler_->step();
  scheduler_.reset();
  EXPECT_EQ(a->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(b->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(model_->open_now(), 0);
}

TEST_F(SchedulerTest, AFailedForwardFailsOnlyWhoIsToBlame) {
  const auto a = add(greedy(ids(8, 1), 5)), b = add(greedy({1, 2, 50, 3}, 5)), c = add(greedy(ids(8, 3), 5));
  model_->poison = 50;  // beyond the vocabulary of 50 that ids() draws from
  run();
  ASSERT_TRUE(b->answer.outcome->error);
  EXPECT_EQ(b->answer.outcome->error->kind(), ErrorKind::io);
  EXPECT_EQ(b->answer.outcome->reason, FinishReason::none);
  EXPECT_EQ(a->answer.tokens.size(), 5U);
  EXPECT_EQ(c->answer.tokens.size(), 5U);
  EXPECT_FALSE(a->answer.outcome->error);
  EXPECT_EQ(now().failed, 1U);
}

class Throwing : public Collector {
 public:
  decode::Verdict token(const decode::Choice& choice) override {
    Collector::token(choice);
    throw std::runtime_error("the reader broke");
  }
  void finished(const Outcome& outcome) override {
    told.push_back(outcome.error ? outcome.error->what() : "");
    throw std::runtime_error("again");
  }
  std::vector<std::string> told;
};

TEST_F(SchedulerTest, AReaderThatThrowsFailsItsRequestOnly) {
  const auto bad = std::make_shared<Throwing>();
  add_with(bad, greedy(ids(8, 1), 5));
  const auto good = add(greedy(ids(8, 2), 5));
  run();
  // A reader that could not take its end is told once more, why, and then left alone.
  EXPECT_EQ(bad->told, (std::vector<std::string>{"the reader broke", "again"}));
  EXPECT_EQ(bad->answer.tokens.size(), 1U);
  EXPECT_EQ(good->answer.tokens.size(), 5U);
  EXPECT_EQ(now().parked, 1);  // nothing is kept of what failed
}

/// A model that returns fewer rows than were asked for.
class Forgetful : public PagedToyModel {
 public:
  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    PagedToyModel::forward(batch);
    return {};
  }
};

TEST_F(SchedulerTest, AModelThatBreaksTheContractIsAnErrorNotACrash) {
  Forgetful model;
  Scheduler scheduler(model, {});
  const auto reader = std::make_shared<Collector>();
  scheduler.add(std::make_unique<Entry>(RequestId{1}, Request{greedy({1, 2}, 3), 0, reader}));
  while (scheduler.step()) {
  }
  ASSERT_TRUE(reader->answer.outcome->error);
  EXPECT_STREQ(reader->answer.outcome->error->what(), "the model returned 0 rows of logits, expected 1");
}

TEST_F(SchedulerTest, PagesThatSomebodyElseHoldsAreAnErrorNotAHang) {
  open({.pages = 4, .page_positions = 4});
  lm::Sequence foreign(*model_);
  const Ids tokens = ids(12);
  const std::vector<lm::Chunk> batch = {{foreign.id(), tokens, 0}};
  model_->forward(batch);
  const auto reader = ask(greedy(ids(8, 2), 2));
  ASSERT_TRUE(reader->answer.outcome->error);
  EXPECT_EQ(reader->answer.outcome->error->kind(), ErrorKind::limit);
}

TEST_F(SchedulerTest, DraftsTakeRowsThatNobodyNeeds) {
  const Turn alone = [&] {
    std::vector<Turn> turns = {greedy(ids(10), 40)};
    decode::generate(*model_, turns, {}, {});
    return turns[0];
  }();
  const auto drafted = [&](double right) {
    Turn turn = greedy(ids(10), 40);
    turn.draft_with(std::make_shared<testing::ToyDrafter>(
        testing::text_of(alone), 50, testing::ToyDrafts{.key = 4, .right = right, .longest = 8}));
    return turn;
  };
  for (const double right : {0.0, 0.5, 1.0}) {
    open({}, {.parked = 4});
    const auto with = add(drafted(right)), without = add(greedy(ids(12, 2), 40));
    std::int64_t steps = 0;
    while (!with->answer.outcome) {
      scheduler_->step();
      ++steps;
    }
    run();
    EXPECT_TRUE(std::ranges::equal(ids_of(with->answer.tokens), alone.generated()));
    EXPECT_EQ(without->answer.tokens.size(), 40U);
    if (right == 0) {
      EXPECT_EQ(steps, 40);
    }
    if (right == 0.5) {
      EXPECT_LT(steps, 35);
    }
    if (right == 1) {
      EXPECT_LT(steps, 20);
    }
    EXPECT_GE(now().decode_tokens, 39U * 2);
    if (right < 1) {
      EXPECT_GT(now().decode_tokens, 39U * 2 + 20);  // rejected drafts were computed, too
    }
    EXPECT_EQ(now().parked, 2);
    for (const auto& held : model_->histories()) {
      if (!std::ranges::equal(std::span(held).first(10), alone.prompt())) continue;
      ASSERT_LE(held.size(), alone.history().size());
      EXPECT_TRUE(std::ranges::equal(held, alone.history().first(held.size())));
    }
  }
  open({}, {.rows_per_forward = 3, .running = 2});
  add(drafted(1));
  add(drafted(1));
  run();
  EXPECT_EQ(model_->most_rows, 3);
}

TEST_F(SchedulerTest, ADrafterThatThrowsFailsItsRequestOnly) {
  class Broken : public decode::Drafter {
    std::int64_t wanted(const decode::Turn&) noexcept override { return 2; }
    void draft(std::span<const decode::DraftJob>) override {
      throw std::runtime_error("nothing comes to mind");
    }
  };
  Turn turn = greedy(ids(8, 1), 5);
  turn.draft_with(std::make_shared<Broken>());
  const auto bad = add(std::move(turn)), good = add(greedy(ids(8, 2), 5));
  run();
  ASSERT_TRUE(bad->answer.outcome->error);
  EXPECT_STREQ(bad->answer.outcome->error->what(), "nothing comes to mind");
  EXPECT_EQ(good->answer.tokens.size(), 5U);
  EXPECT_EQ(now().prefill_tokens, 8U + 8);
}

TEST_F(SchedulerTest, NothingToGenerate) {
  const auto reader = add(greedy(ids(8), 0));
  EXPECT_EQ(reader->answer.outcome->reason, FinishReason::length);
  EXPECT_EQ(scheduler_->requests(), 0);
  EXPECT_EQ(model_->forwards, 0);
}

TEST_F(SchedulerTest, APromptIsScoredThoughItsPrefixIsKnown) {
  ask(greedy(ids(100), 1));
  const Turn scored(ids(100), {.temperature = 0, .prompt_logprobs = 1}, {.max_tokens = 0});
  const std::int64_t before = model_->appended;
  const auto reader = ask(scored);
  ASSERT_EQ(reader->answer.prompt_scores.size(), 100U);
  EXPECT_EQ(reader->answer.outcome->cached_tokens, 0);
  EXPECT_EQ(model_->appended - before, 99);  // nobody asked for what follows the last one
  EXPECT_TRUE(reader->answer.tokens.empty());
}

TEST_F(SchedulerTest, OptionsThatMakeNoSense) {
  EXPECT_REFUSED(validate({.prefill_chunk = 0}), ErrorKind::usage, "prefill_chunk must be positive, found 0");
  EXPECT_REFUSED(validate({.running = -1}), ErrorKind::usage, "running must be positive");
  EXPECT_REFUSED(validate({.patience = 0}), ErrorKind::usage, "patience must be positive");
  EXPECT_REFUSED(validate({.parked = -1}), ErrorKind::usage, "parked must not be negative");
  EXPECT_REFUSED(validate({.rows_per_forward = 8, .running = 8}), ErrorKind::usage,
                 "rows_per_forward must be more than the 8 running requests");
  validate({.rows_per_forward = 9, .running = 8});
}

}  // namespace
}  // namespace nestor::schedule
