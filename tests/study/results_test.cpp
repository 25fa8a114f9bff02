#include "study/results.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nestor::study {
namespace {

JobResult run(const std::string& name, std::uint64_t seed, double loss) {
  JobResult r;
  r.name = name;
  r.seed = seed;
  r.heldout = {{100, loss}};
  return r;
}

TEST(Samples, MeanAndDeviation) {
  EXPECT_EQ(Samples{}.mean(), 0);
  EXPECT_EQ(Samples{{3}}.sd(), 0);
  const Samples s{{0.296, 0.305, 0.306}};
  EXPECT_NEAR(s.mean(), 0.302333333, 1e-9);
  EXPECT_NEAR(s.sd(), 0.005507571, 1e-9);  // sqrt(((.00633)^2 + (.00267)^2 + (.00367)^2) / 2)
}

TEST(Samples, AVerdictNeedsEverySeed) {
  EXPECT_EQ(judge({{0.2, 0.3, 0.4}}, 0.2), Verdict::shown);
  EXPECT_EQ(judge({{0.2, 0.3, 0.199}}, 0.2), Verdict::not_shown);
  EXPECT_EQ(judge({{-0.2, -0.3, -0.4}}, 0.2), Verdict::contradicted);
  EXPECT_EQ(judge({{-0.2, -0.3, 0.4}}, 0.2), Verdict::not_shown);
  EXPECT_EQ(judge({{0.1, -0.1, 0.0}}, 0.2), Verdict::not_shown);
  EXPECT_EQ(judge({{9, 9}}, 0.2), Verdict::not_shown);
  EXPECT_EQ(judge({}, 0.2), Verdict::not_shown);
  EXPECT_EQ(judge({{1, 1, std::nan("")}}, 0.2), Verdict::not_shown);
}

TEST(Samples, SayWhy) {
  EXPECT_EQ(reason({}, 0.2, "nats"), "the runs for it are not there");
  EXPECT_NE(reason({{0.25}}, 0.2, "nats").find("needs 3 seeds"), std::string::npos);
  const std::string text = reason({{0.25, 0.5, 0.75}}, 0.2, "nats");
  for (const char* part :
       {"0.5000 nats", "sd 0.2500", "3 seeds", "from 0.2500 to 0.7500", "at least 0.2 in every seed"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Results, PairBySeed) {
  Results results;
  results.add(run("a", 3, 5.0));
  results.add(run("a", 1, 4.0));
  results.add(run("b", 2, 1.0));
  results.add(run("b", 1, 3.5));
  results.add(run("b", 3, 4.25));
  EXPECT_EQ(results.differences("a", "b", heldout).values, (std::vector<double>{0.5, 0.75}));
  EXPECT_EQ(results.values("b", heldout).values, (std::vector<double>{3.5, 1.0, 4.25}));
  EXPECT_TRUE(results.differences("a", "gone", heldout).values.empty());
}

// One falls by 1 nat in 10 steps of 2 s, the other in 10 steps of 1 s; both hold their rate for 100 steps.
// After 100 s the slow one has done 50 steps and the fast one 100. Means of three reports: steps 30 to 50 and
// 80 to 100.
TEST(Results, GainsAtEqualTime) {
  Results results;
  JobResult slow = run("slow", 1, 0), fast = run("fast", 1, 0);
  for (int i = 1; i <= 20; ++i) {
    slow.losses.push_back({10.0 * i, 30.0 - i});
    fast.losses.push_back({10.0 * i, 40.0 - i});
  }
  slow.seconds_per_step = 2;
  fast.seconds_per_step = 1;
  slow.stable_steps = fast.stable_steps = 100;
  results.add(slow);
  results.add(fast);
  const Samples gain = results.gain_at_equal_time("slow", "fast");
  ASSERT_EQ(gain.values.size(), 1U);
  EXPECT_NEAR(gain.values[0], (30 - 4) - (40 - 9), 1e-12);
  EXPECT_NEAR(results.gain_at_equal_time("fast", "slow").values.at(0), 5, 1e-12);
  EXPECT_TRUE(results.gain_at_equal_time("slow", "gone").values.empty());
}

}  // namespace
}  // namespace nestor::study
