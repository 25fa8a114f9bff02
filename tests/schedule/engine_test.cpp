#include "schedule/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <semaphore>

#include "collector.h"
#include "dice.h"
#include "paged_toy_model.h"
#include "random_schedules.h"
#include "support/refusal.h"

namespace nestor::schedule {
namespace {

using decode::FinishReason;
using decode::Turn;

/// A reader that another thread can wait for.
class Awaited : public Collector {
 public:
  using Collector::Collector;
  void finished(const Outcome& outcome) override {
    Collector::finished(outcome);
    done_.set_value();
  }
  const Answer& wait() {
    done_.get_future().wait();
    return answer;
  }

 private:
  std::promise<void> done_;
};

/// A model whose forwards wait until the test lets them go.
class Gated : public PagedToyModel {
 public:
  using PagedToyModel::PagedToyModel;
  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    entered.release();
    gate.acquire();
    return PagedToyModel::forward(batch);
  }
  std::counting_semaphore<> entered{0}, gate{0};
};

Turn greedy(std::vector<TokenId> prompt, std::int64_t tokens) {
  return {std::move(prompt), {.temperature = 0}, {.max_tokens = tokens}};
}

std::shared_ptr<Awaited> reader() { return std::make_shared<Awaited>(); }

RequestId submit(Engine& engine, Turn turn, std::shared_ptr<Reader> reader, int priority = 0) {
  return engine.submit({{std::move(turn), priority, std::move(reader)}}).front();
}

TEST(Engine, AnswersRequests) {
  Engine engine(std::make_unique<PagedToyModel>(), {});
  EXPECT_EQ(engine.info().vocab_size, 50);
  const auto a = reader(), b = reader(), nothing = reader();
  const RequestId first = submit(engine, greedy({1, 2, 3}, 5), a);
  EXPECT_NE(first, submit(engine, greedy({1, 2}, 7), b));
  submit(engine, greedy({1}, 0), nothing);
  EXPECT_EQ(a->wait().tokens.size(), 5U);
  EXPECT_EQ(b->wait().tokens.size(), 7U);
  EXPECT_EQ(nothing->wait().outcome->reason, FinishReason::length);
  EXPECT_EQ(a->answer.outcome->reason, FinishReason::length);
  EXPECT_EQ(a->answer.outcome->prompt_tokens, 3);
  EXPECT_GE(*a->answer.outcome->first_token_seconds, a->answer.outcome->queued_seconds);
  EXPECT_GE(a->answer.outcome->total_seconds, *a->answer.outcome->first_token_seconds);
}

TEST(Engine, ManyThreadsGetWhatEachGetsAlone) {
  PagedToyModel plain;
  Dice dice(1);
  const auto questions = random_questions(dice, plain, 30, 40, 20);
  constexpr int threads = 6, each = 40;
  Engine engine(
      std::make_unique<PagedToyModel>(ToyOptions{.pages = 60, .page_positions = 4}),
      {.scheduler = {.rows_per_forward = 40, .prefill_chunk = 16, .running = 5}, .most_waiting = 1000});
  std::vector<std::thread> clients;
  for (int t = 0; t < threads; ++t) {
    clients.emplace_back([&, t] {
      Dice mine(100 + static_cast<std::uint64_t>(t));
      for (int i = 0; i < each; ++i) {
        const Question& question = mine.pick(questions);
        const auto answer = reader();
        const bool leaves = mine.one_in(4);
        const RequestId id = submit(engine, question.turn(), answer, static_cast<int>(mine.roll(-1, 1)));
        if (leaves) engine.cancel(id);
        engine.snapshot();
        const Answer& found = answer->wait();
        ASSERT_FALSE(found.outcome->error) << found.outcome->error->what();
        ASSERT_LE(found.tokens.size(), question.alone.tokens.size());
        EXPECT_TRUE(
            std::equal(found.tokens.begin(), found.tokens.end(), question.alone.tokens.begin(), same));
        EXPECT_TRUE(leaves || found.outcome->reason == question.reason);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  engine.drain();
  const Snapshot done = engine.snapshot();
  EXPECT_EQ(done.submitted, static_cast<std::uint64_t>(threads * each));
  EXPECT_EQ(done.finished_stop + done.finished_length + done.finished_cancelled, done.submitted);
  EXPECT_EQ(done.failed, 0U);
  EXPECT_EQ(done.waiting + done.running, 0);
}

TEST(Engine, WhatBelongsTogetherIsAdmittedWholeOrNotAtAll) {
  auto owned = std::make_unique<Gated>();
  Gated& model = *owned;
  Engine engine(std::move(owned), {.scheduler = {.running = 1}, .most_waiting = 1});
  const auto three = [](auto& readers) {
    std::vector<Request> requests;
    for (auto& r : readers) requests.push_back({greedy({1, 2}, 1), 0, r = reader()});
    return requests;
  };
  std::array<decltype(reader()), 3> first, second;
  EXPECT_EQ(engine.submit(three(first)).size(), 3U);
  EXPECT_REFUSED(engine.submit(three(second)), ErrorKind::busy, "are waiting, the most that may");
  model.gate.release(100);
  for (const auto& r : first) EXPECT_EQ(r->wait().tokens.size(), 1U);
  engine.drain();
}

TEST(Engine, RefusesWhenTooManyWait) {
  auto owned = std::make_unique<Gated>();
  Gated& model = *owned;
  Engine engine(std::move(owned),
                {.scheduler = {.running = 1}, .most_waiting = 2, .most_waiting_tokens = 20});
  const auto a = reader(), b = reader(), c = reader();
  submit(engine, greedy({1, 2}, 2), a);
  model.entered.acquire();  // a has the place, and does not wait
  submit(engine, greedy(std::vector<TokenId>(18, 3), 1), b);
  EXPECT_REFUSED(submit(engine, greedy({1, 2, 3}, 1), reader()), ErrorKind::busy,
                 "18 tokens are waiting, and 3 more would be above the limit of 20");
  submit(engine, greedy({1, 2}, 1), c);
  try {
    submit(engine, greedy({1}, 1), reader());
    ADD_FAILURE() << "accepted";
  } catch (const Busy& e) {
    EXPECT_EQ(e.reason(), Busy::Reason::queue_full);
    EXPECT_GE(e.retry_after_seconds(), 1);
    EXPECT_STREQ(e.what(), "2 requests are waiting, the most that may: try again later");
  }
  EXPECT_EQ(engine.snapshot().refused, 2U);
  model.gate.release(100);
  EXPECT_EQ(b->wait().tokens.size(), 1U);
  EXPECT_EQ(c->wait().tokens.size(), 1U);
  engine.drain();
  EXPECT_EQ(engine.snapshot().waiting, 0);
}

TEST(Engine, ALongPromptMayWaitAlone) {
  Engine engine(std::make_unique<PagedToyModel>(), {.scheduler = {}, .most_waiting_tokens = 20});
  const auto a = reader();
  submit(engine, greedy(std::vector<TokenId>(100, 3), 1), a);
  EXPECT_EQ(a->wait().tokens.size(), 1U);
}

TEST(Engine, CancelsWhatRunsAndWhatWaits) {
  auto owned = std::make_unique<Gated>();
  Gated& model = *owned;
  Engine engine(std::move(owned), {.scheduler = {.running = 1}});
  const auto a = reader(), b = reader(), c = reader();
  const RequestId first = submit(engine, greedy({1, 2}, 100), a);
  const RequestId second = submit(engine, greedy({1, 2}, 100), b);
  submit(engine, greedy({1, 2}, 3), c);
  model.entered.acquire();
  engine.cancel(second);
  engine.cancel(first);
  engine.cancel(first);
  engine.cancel(RequestId{99});
  model.gate.release(100);
  EXPECT_EQ(a->wait().outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(a->answer.tokens.size(), 1U);  // of the forward that was running
  EXPECT_EQ(b->wait().outcome->reason, FinishReason::cancelled);
  EXPECT_TRUE(b->answer.tokens.empty());
  EXPECT_EQ(c->wait().tokens.size(), 3U);
}

TEST(Engine, DrainsAndThenRefuses) {
  Engine engine(std::make_unique<PagedToyModel>(), {.scheduler = {.running = 2}});
  std::vector<std::shared_ptr<Awaited>> readers;
  for (int i = 0; i < 10; ++i) {
    readers.push_back(reader());
    submit(engine, greedy({1, static_cast<TokenId>(i)}, 20), readers.back());
  }
  engine.drain();
  for (const auto& r : readers) EXPECT_EQ(r->answer.tokens.size(), 20U);
  try {
    submit(engine, greedy({1}, 1), reader());
    ADD_FAILURE() << "accepted";
  } catch (const Busy& e) {
    EXPECT_EQ(e.reason(), Busy::Reason::draining);
  }
  engine.drain();
}

TEST(Engine, CancelAllEndsADrain) {
  auto owned = std::make_unique<Gated>();
  Gated& model = *owned;
  Engine engine(std::move(owned), {.scheduler = {.running = 1}});
  const auto a = reader(), b = reader();
  submit(engine, greedy({1, 2}, 500), a);
  submit(engine, greedy({1, 2}, 500), b);
  model.entered.acquire();
  engine.stop_admitting();
  engine.cancel_all();
  model.gate.release(1000);
  engine.drain();
  EXPECT_EQ(a->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(b->answer.outcome->reason, FinishReason::cancelled);
}

TEST(Engine, TheEndCancelsWhatIsLeft) {
  const auto a = reader(), b = reader();
  {
    auto owned = std::make_unique<Gated>();
    Gated& model = *owned;
    Engine engine(std::move(owned), {.scheduler = {.running = 1}});
    submit(engine, greedy({1, 2}, 500), a);
    submit(engine, greedy({1, 2}, 500), b);
    model.entered.acquire();
    model.gate.release(10);
  }
  EXPECT_EQ(a->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(b->answer.outcome->reason, FinishReason::cancelled);
}

TEST(Engine, AReaderMaySubmitAndCancel) {
  Engine engine(std::make_unique<PagedToyModel>(), {});
  const auto first = reader(), next = reader();
  std::atomic<std::uint64_t> id{0};
  std::latch known(1);
  first->on_token = [&] {
    known.wait();
    if (first->answer.tokens.size() == 3) engine.cancel(static_cast<RequestId>(id.load()));
  };
  first->on_finished = [&] { submit(engine, greedy({4, 5}, 2), next); };
  id = static_cast<std::uint64_t>(submit(engine, greedy({1, 2}, 500), first));
  known.count_down();
  EXPECT_EQ(next->wait().tokens.size(), 2U);
  EXPECT_EQ(first->answer.outcome->reason, FinishReason::cancelled);
  EXPECT_EQ(first->answer.tokens.size(), 3U);
}

TEST(Engine, RefusesWhatCanNeverRun) {
  Engine engine(
      std::make_unique<PagedToyModel>(ToyOptions{.context_limit = 100, .pages = 5, .page_positions = 4}), {});
  EXPECT_EQ(engine.info().context_limit, 20);
  const auto ask = [&](Turn turn) { return submit(engine, std::move(turn), reader()); };
  EXPECT_REFUSED(ask(greedy(std::vector<TokenId>(21, 1), 1)), ErrorKind::limit,
                 "the prompt has 21 tokens, but the memory for cached tokens holds 20");
  EXPECT_REFUSED(ask(greedy(std::vector<TokenId>(101, 1), 1)), ErrorKind::limit, "the prompt has 101 tokens");
  EXPECT_REFUSED(ask(greedy({50}, 1)), ErrorKind::bad_input, "token 50 at position 0");
  EXPECT_REFUSED(ask({{1}, {.temperature = -1}, {}}), ErrorKind::usage, "temperature");
  EXPECT_REFUSED(submit(engine, greedy({1}, 1), nullptr), ErrorKind::usage, "needs a reader");
  EXPECT_EQ(engine.snapshot().submitted, 0U);
  EXPECT_REFUSED(Engine(std::make_unique<PagedToyModel>(), {.scheduler = {.running = 0}}), ErrorKind::usage,
                 "running must be positive");
  EXPECT_REFUSED(Engine(std::make_unique<PagedToyModel>(), {.scheduler = {}, .most_waiting = 0}),
                 ErrorKind::usage, "most_waiting");
}

}  // namespace
}  // namespace nestor::schedule
