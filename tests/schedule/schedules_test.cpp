// A batch equals each alone: thousands of random schedules of a toy model, whose tokens depend on every bit
// of the history, with pages that are short.
#include <gtest/gtest.h>

#include "paged_toy_model.h"
#include "random_schedules.h"

namespace nestor::schedule {
namespace {

TEST(Schedules, EveryRequestIsAnsweredAsAlone) {
  std::uint64_t preemptions = 0, hits = 0, stops = 0, lengths = 0, cancelled = 0;
  std::vector<Question> questions;
  for (std::uint64_t key = 0; key < 4000; ++key) {
    SCOPED_TRACE("key " + std::to_string(key));
    Dice dice(key);
    if (key % 50 == 0) {
      PagedToyModel plain;
      questions = random_questions(dice, plain, 24, 40, 24);
    }
    const std::int64_t page_positions = dice.roll(1, 8);
    // From what the longest request needs to more than all need.
    const std::int64_t pages = (64 + page_positions - 1) / page_positions * dice.roll(1, 5);
    PagedToyModel model({.pages = pages, .page_positions = page_positions});
    const Snapshot done = play(dice, model, random_options(dice, 40), questions, dice.roll(1, 10));
    ASSERT_FALSE(HasFailure());
    ASSERT_EQ(model.open_now(), 0);  // the scheduler is gone
    preemptions += done.preemptions;
    hits += done.prefix_hit_tokens;
    stops += done.finished_stop;
    lengths += done.finished_length;
    cancelled += done.finished_cancelled;
  }
  for (const std::uint64_t count : {preemptions, hits, stops, lengths, cancelled}) EXPECT_GT(count, 1000U);
}

}  // namespace
}  // namespace nestor::schedule
