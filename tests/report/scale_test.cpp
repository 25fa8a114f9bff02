#include "report/scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nestor::report {
namespace {

Range range_of(Scale scale, const std::vector<double>& values) {
  Range range(scale);
  for (const double value : values) range.include(value);
  range.pad();
  return range;
}

// From 1e-12 to 1e12, short ranges far from zero, one value, none.
TEST(Scale, TicksAreFewRoundAndInside) {
  const std::vector<std::vector<double>> cases = {
      {0, 1}, {0, 1e-12}, {-3, 1e12}, {4.301, 4.312}, {1e9, 1e9 + 3}, {7, 7}, {0, 0}, {-5, -4.99}, {}};
  for (const auto& values : cases) {
    const auto ticks = range_of(Scale::linear, values).ticks();
    ASSERT_GE(ticks.size(), 2U);
    EXPECT_LE(ticks.size(), 9U);
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      const double place = range_of(Scale::linear, values).place(ticks[i]);
      EXPECT_GE(place, -1e-9);
      EXPECT_LE(place, 1 + 1e-9);
      if (i > 0) EXPECT_GT(ticks[i], ticks[i - 1]);
    }
  }
}

TEST(Scale, LogarithmsHavePlacesByRatio) {
  const Range range = range_of(Scale::log, {3, 48});
  EXPECT_NEAR(range.place(12), 0.5, 1e-12);
  EXPECT_NEAR(range.place(6) - range.place(3), range.place(24) - range.place(12), 1e-12);
  for (const auto& values : std::vector<std::vector<double>>{{3, 24}, {1e-3, 1e9}, {5, 5.1}, {2, 2}, {}}) {
    const auto ticks = range_of(Scale::log, values).ticks();
    EXPECT_GE(ticks.size(), 1U);
    EXPECT_LE(ticks.size(), 13U);
    for (const double tick : ticks) EXPECT_GT(tick, 0);
  }
}

TEST(Scale, LeavesOutWhatItCannotShow) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const double value : {inf, -inf, std::nan("")}) EXPECT_FALSE(Range(Scale::linear).shows(value));
  for (const double value : {0.0, -1.0, inf}) EXPECT_FALSE(Range(Scale::log).shows(value));
  const Range range = range_of(Scale::log, {-5, 0, 10, 1000, inf});
  EXPECT_NEAR(range.place(100), 0.5, 1e-12);
}

TEST(Scale, WritesNumbersShort) {
  EXPECT_EQ(tick_text(0.30000000000000004), "0.3");
  EXPECT_EQ(tick_text(-1e-17), "0");
  EXPECT_EQ(tick_text(2500), "2500");
  EXPECT_EQ(tick_text(250000), "250k");
  EXPECT_EQ(tick_text(3.2e6), "3.2M");
  EXPECT_EQ(number_text(0.301968), "0.3020");
  EXPECT_EQ(number_text(4.3131), "4.313");
  EXPECT_EQ(number_text(-0.0123456), "-0.01235");
  EXPECT_EQ(number_text(730924), "730924");
  EXPECT_EQ(number_text(1234.56), "1235");
  EXPECT_EQ(number_text(0.0000123), "1.23e-05");
}

}  // namespace
}  // namespace nestor::report
