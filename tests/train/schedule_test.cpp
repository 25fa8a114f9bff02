#include "train/optimizer/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nestor::train {
namespace {

using recipe::Schedule;

Schedule schedule_of(Schedule::Kind kind) {
  Schedule schedule;
  schedule.kind = kind;
  schedule.steps = 20;
  schedule.warmup_steps = 4;
  schedule.decay_from = 0.5;
  schedule.final_fraction = 0.2;
  return schedule;
}

void expect_factors(const Schedule& schedule, const std::vector<double>& expected) {
  for (std::size_t step = 0; step < expected.size(); ++step) {
    EXPECT_NEAR(learning_rate_factor(schedule, static_cast<std::int64_t>(step)), expected[step], 1e-15)
        << step;
  }
}

// By hand from the header.
TEST(Schedule, Constant) {
  expect_factors(schedule_of(Schedule::Kind::constant), {0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1, 1});
}

TEST(Schedule, WarmupStableDecay) {
  expect_factors(schedule_of(Schedule::Kind::wsd),
                 {0.25, 0.5,  0.75, 1,    1,    1,    1,    1,    1,    1,   1,
                  0.92, 0.84, 0.76, 0.68, 0.60, 0.52, 0.44, 0.36, 0.28, 0.2, 0.2});
}

TEST(Schedule, Cosine) {
  const double r = std::sqrt(0.5);
  const Schedule schedule = schedule_of(Schedule::Kind::cosine);
  expect_factors(schedule, {0.25, 0.5, 0.75, 1, 1});
  EXPECT_NEAR(learning_rate_factor(schedule, 8), 0.2 + 0.8 * (1 + r) / 2, 1e-15);
  EXPECT_NEAR(learning_rate_factor(schedule, 12), 0.6, 1e-15);
  EXPECT_NEAR(learning_rate_factor(schedule, 16), 0.2 + 0.8 * (1 - r) / 2, 1e-15);
  EXPECT_NEAR(learning_rate_factor(schedule, 20), 0.2, 1e-15);
  EXPECT_NEAR(learning_rate_factor(schedule, 99), 0.2, 1e-15);
}

TEST(Schedule, EdgesDivideByNothing) {
  for (const auto kind : {Schedule::Kind::constant, Schedule::Kind::cosine, Schedule::Kind::wsd}) {
    Schedule schedule = schedule_of(kind);
    schedule.warmup_steps = 0;
    EXPECT_EQ(learning_rate_factor(schedule, 0), 1);
    schedule.steps = schedule.warmup_steps = 3;
    for (std::int64_t step = 0; step < 5; ++step) {
      const double factor = learning_rate_factor(schedule, step);
      EXPECT_TRUE(factor > 0 && factor <= 1) << step;
    }
  }
}

}  // namespace
}  // namespace nestor::train
