// A steady step of decoding allocates nothing: in this program every operator new is counted.
#include <gtest/gtest.h>

#include "counted_new.h"
#include "decode/generate.h"
#include "dice.h"
#include "schedule/scheduler.h"
#include "support/golden.h"

namespace nestor::schedule {
namespace {

// Behind the first page of the cache and before the end of the second; a history of 70 tokens that grew by
// one has room for as many.
constexpr std::int64_t kPrompt = 70, kFirst = 5, kLast = 45;

class SteadyStep : public ::testing::TestWithParam<std::string> {
 protected:
  /// One that is greedy and two that are drawn.
  std::vector<decode::Turn> turns() const {
    std::vector<decode::Turn> all;
    for (std::uint64_t i = 0; i < 3; ++i) {
      Dice dice(i);
      decode::SamplingParams params{.temperature = 0.7 * static_cast<double>(i), .top_p = 0.9, .seed = i};
      all.emplace_back(dice.tokens(kPrompt, model_->info().vocab_size), params,
                       decode::StopRule{.max_tokens = kLast + 2});
    }
    return all;
  }

  std::unique_ptr<model::Model> model_ = testing::open_model(testing::golden_folder(GetParam()), "auto", 2);
};

TEST_P(SteadyStep, OfTurnsAllocatesNothing) {
  auto all = turns();
  std::int64_t before = 0, after = 0;
  decode::generate(*model_, all, {}, [&](std::size_t turn, const decode::Choice&) {
    const auto tokens = std::ssize(all[turn].generated());
    if (turn == 0 && tokens == kFirst) before = allocations();
    if (turn == 0 && tokens == kLast) after = allocations();
    return decode::Verdict::go_on;
  });
  EXPECT_GT(before, 0);
  EXPECT_EQ(after - before, 0) << "in " << kLast - kFirst << " steps";
}

/// A reader that keeps nothing.
class Quiet : public Reader {
 public:
  decode::Verdict token(const decode::Choice&) override {
    ++tokens;
    return decode::Verdict::go_on;
  }
  void finished(const Outcome&) override {}
  std::int64_t tokens = 0;
};

TEST_P(SteadyStep, OfTheSchedulerAllocatesNothing) {
  Scheduler scheduler(*model_, {});
  const auto reader = std::make_shared<Quiet>();
  std::uint64_t id = 0;
  for (decode::Turn& turn : turns()) {
    scheduler.add(std::make_unique<Entry>(RequestId{++id}, Request{std::move(turn), 0, reader}));
  }
  while (reader->tokens < 3 * kFirst) scheduler.step();
  const std::int64_t before = allocations();
  while (reader->tokens < 3 * kLast) scheduler.step();
  const std::int64_t after = allocations();
  EXPECT_EQ(after - before, 0) << "in " << kLast - kFirst << " steps";
  EXPECT_EQ(scheduler.requests(), 3);
}

INSTANTIATE_TEST_SUITE_P(All, SteadyStep, ::testing::ValuesIn(testing::golden_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::schedule
