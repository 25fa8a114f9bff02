#include "report/crossing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nestor::report {
namespace {

Series curve(std::vector<Point> points) { return {"", std::move(points)}; }

TEST(Crossing, LiesOnBothCurves) {
  const auto found = crossings(curve({{0, 0}, {4, 4}}), curve({{0, 3}, {4, 1}}), Scale::linear);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].x, 2, 1e-12);
  EXPECT_NEAR(found[0].y, 2, 1e-12);
}

// Halfway between 4 and 16 by ratio is 8.
TEST(Crossing, IsHalfwayByRatioOnALogAxis) {
  const auto found = crossings(curve({{4, 0}, {16, 1}}), curve({{4, 1}, {16, 0}}), Scale::log);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].x, 8, 1e-12);
}

TEST(Crossing, KnowsPlacesOfOneCurveOnly) {
  const auto found =
      crossings(curve({{0, 0}, {3, 3}, {6, 6}}), curve({{2, 5}, {4, 2}, {8, 2}}), Scale::linear);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].x, 3.2, 1e-12);
}

TEST(Crossing, IsNoTouchAndNoEnd) {
  const auto none = [](const Series& a, const Series& b) { return crossings(a, b, Scale::linear).empty(); };
  EXPECT_TRUE(none(curve({{0, 0}, {1, 1}, {2, 0}}), curve({{0, 1}, {2, 1}})));  // touches
  EXPECT_TRUE(none(curve({{0, 0}, {1, 0}}), curve({{0, 0}, {1, 0}})));          // equal
  EXPECT_TRUE(none(curve({{0, 0}, {1, 1}}), curve({{2, 0}, {3, 9}})));          // apart
  EXPECT_TRUE(none(curve({}), curve({{2, 0}, {3, 9}})));
}

TEST(Crossing, GoesThroughACommonPoint) {
  const auto found =
      crossings(curve({{0, 0}, {1, 1}, {2, 2}}), curve({{0, 2}, {1, 1}, {2, 0}}), Scale::linear);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].x, 1, 1e-12);
}

}  // namespace
}  // namespace nestor::report
