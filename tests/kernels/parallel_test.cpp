#include "kernels/parallel.h"

#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <limits>
#include <stdexcept>

namespace nestor::kernels {
namespace {

TEST(Team, EveryTileIsTakenOnceByAWorkerThatExists) {
  for (const int threads : {1, 2, 3, 7}) {
    Team team(threads);
    EXPECT_EQ(team.threads(), threads);
    for (const std::int64_t tiles : {0, 1, 2, 3, 64, 1000}) {
      std::vector<std::atomic<int>> taken(static_cast<std::size_t>(tiles));
      team.run(tiles, [&](std::int64_t tile, int worker) {
        ASSERT_GE(worker, 0);
        ASSERT_LT(worker, threads);
        ++taken[static_cast<std::size_t>(tile)];
      });
      for (const auto& count : taken) EXPECT_EQ(count, 1);
    }
  }
}

TEST(Team, ManyShortJobsInARowSeeEachOthersResults) {
  Team team(4);
  std::vector<std::int64_t> values(16, 0);
  for (int job = 0; job < 20'000; ++job) {
    // Plain writes, read by other workers in the next job: a missing edge is a race under the thread
    // sanitizer.
    team.run(16, [&](std::int64_t tile, int) {
      const auto i = static_cast<std::size_t>(tile);
      values[i] = values[i] + 1;
    });
  }
  for (const std::int64_t v : values) EXPECT_EQ(v, 20'000);
}

TEST(Team, AnExceptionStopsTheJobAndTheTeamGoesOn) {
  Team team(3);
  for (int round = 0; round < 200; ++round) {
    EXPECT_THROW(team.run(100,
                          [](std::int64_t tile, int) {
                            if (tile >= 5) throw std::runtime_error("x");
                          }),
                 std::runtime_error);
    std::atomic<int> count = 0;
    team.run(10, [&](std::int64_t, int) { ++count; });
    EXPECT_EQ(count, 10);
  }
}

TEST(Team, SubnormalsAreZeroInsideAndNotAfterwards) {
  Team team(2);
  const unsigned before = _mm_getcsr();
  volatile float tiny = std::numeric_limits<float>::min();
  std::atomic<int> zeros = 0;
  team.run(64, [&](std::int64_t, int) {
    volatile float half = tiny * 0.5F;
    if (half == 0) ++zeros;
  });
  EXPECT_EQ(zeros, 64);
  EXPECT_EQ(_mm_getcsr() & 0x8040U, before & 0x8040U);
}

}  // namespace
}  // namespace nestor::kernels
