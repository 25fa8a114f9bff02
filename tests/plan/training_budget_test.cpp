// Candidates have one total, sizes of tables that keep n-grams apart, and the warnings that concern them.
#include "plan/training_budget.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "convert/presets.h"
#include "plan/table_size.h"
#include "recipe/presets.h"
#include "recipe/recipe_json.h"
#include "support/refusal.h"

namespace nestor::plan {
namespace {

Json story_config() { return recipe::parse_recipe(recipe::preset("story"), "story").model.config_json; }

bool warns(const Candidate& c, const std::string& id) {
  return std::ranges::any_of(c.warnings, [&](const Warning& w) { return w.id == id; });
}

class Budgets : public ::testing::TestWithParam<std::tuple<const char*, std::int64_t>> {};

TEST_P(Budgets, TwinsHaveOneTotalWithinAThousandth) {
  const auto [name, total] = GetParam();
  const Json config = std::string(name) == "story" ? story_config() : convert::preset(name);
  const auto candidates = plan_budget({.config = config, .total = total, .shares = {0, 0.25, 0.5, 0.75}});
  ASSERT_EQ(candidates.size(), 4u);
  EXPECT_FALSE(candidates[0].config.ngram);
  const auto of = [](const Candidate& c) { return static_cast<double>(c.footprint.total); };
  // Whole experts: half of one is the most that the total may be off.
  EXPECT_NEAR(of(candidates[0]), static_cast<double>(total), 0.02 * static_cast<double>(total));
  for (const Candidate& c : candidates) {
    EXPECT_NEAR(of(c), of(candidates[0]), 1e-3 * of(candidates[0])) << name << " " << c.share;
    EXPECT_NEAR(c.ngram_share(), c.share, 0.025) << name;
    if (!c.config.ngram) continue;
    EXPECT_GT(clearance(c.config.ngram->rows(0), c.config.vocab_size), 0.1) << name << " " << c.share;
    EXPECT_EQ(c.config.moe_topk, candidates[0].config.moe_topk);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Budgets,
                         ::testing::Values(std::tuple("story", 30'000'000), std::tuple("story", 60'000'000),
                                           std::tuple("tiny", 9'000'000),
                                           std::tuple("lite", 68'562'465'024)));

TEST(Budget, ActivatedParametersScaleTheWidths) {
  for (const std::int64_t activated : {1'000'000, 20'000'000, 300'000'000}) {
    const auto candidates =
        plan_budget({.config = story_config(), .activated = activated, .shares = {0, 0.5}});
    for (const Candidate& c : candidates) {
      EXPECT_NEAR(c.activated(), static_cast<double>(activated), 0.12 * static_cast<double>(activated));
      EXPECT_EQ(c.config.num_layers, 2);
      EXPECT_EQ(c.config.hidden_size % 4, 0);  // N 3, K 2: four tables
    }
    EXPECT_LT(candidates[0].config.hidden_size, candidates[0].config.ffn_hidden_size);
  }
}

// By hand: 4.5 B and 2.9 B are all and none of 12 picks, the mean 8 of them: 3.98 B.
TEST(Budget, ActivatedIsTheMeanOverIdentityPicks) {
  const auto candidates = plan_budget({.config = convert::preset("lite"), .shares = {0.458}});
  EXPECT_NEAR(candidates[0].activated(), 2'920'341'504.0 + 14.0 * 12 * 9'437'184 * 2 / 3, 5e7);
  EXPECT_NEAR(candidates[0].ratio(), 17.2, 0.3);
}

TEST(Budget, WarnsByTheRulesOfThePaper) {
  const Json config = story_config();
  const auto first = [&](BudgetRequest request) {
    request.config = config;
    request.total = 60'000'000;
    return plan_budget(request).front();
  };
  const Candidate much = first({.shares = {0.75}});
  EXPECT_TRUE(warns(much, "share"));
  EXPECT_FALSE(warns(first({.shares = {0.25}}), "share"));
  EXPECT_TRUE(warns(first({.shares = {0.5}}), "ratio"));  // 60 M for some 4 M activated: 7 without tables
  EXPECT_FALSE(warns(first({.shares = {0}}), "ratio"));
  EXPECT_TRUE(warns(first({.shares = {0.5}, .order = 2, .splits = 4}), "order"));
  EXPECT_FALSE(warns(first({.shares = {0.5}, .order = 3, .splits = 2}), "order"));
  EXPECT_TRUE(warns(first({.shares = {0.5}, .order = 3, .splits = 1}), "splits"));
  EXPECT_TRUE(warns(first({.shares = {0.5}, .amplified = false}), "amplification"));
  EXPECT_FALSE(warns(much, "amplification"));
  EXPECT_TRUE(warns(first({.shares = {0.5}, .training_tokens = 1000}), "tokens"));
  EXPECT_FALSE(warns(first({.shares = {0.5}, .training_tokens = 1 << 30}), "tokens"));
  for (const Warning& w : much.warnings) {
    EXPECT_NE(w.source.find("2601.21204"), std::string::npos);
    EXPECT_FALSE(w.seen.empty());
  }
}

TEST(Budget, RefusesWhatNoExpertsReach) {
  const Json config = story_config();
  EXPECT_REFUSED(plan_budget({.config = config, .total = 1'000'000}), ErrorKind::usage, "too few");
  EXPECT_REFUSED(plan_budget({.config = config, .total = 8'000'000, .shares = {0.9}}), ErrorKind::usage,
                 "larger budget");
  EXPECT_REFUSED(plan_budget({.config = config, .shares = {1.0}}), ErrorKind::usage, "share");
}

}  // namespace
}  // namespace nestor::plan
