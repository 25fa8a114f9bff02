#include <gtest/gtest.h>

#include "assemble/generation_config.h"

namespace nestor::assemble {
namespace {

TEST(StopRule, TokensAskedForComeBeforeTheCheckpointsOwn) {
  GenerationDefaults defaults;
  defaults.stop_ids = {2, 5};
  EXPECT_EQ(stop_rule(defaults, std::nullopt, 256).max_tokens, 256);
  defaults.max_new_tokens = 40;
  EXPECT_EQ(stop_rule(defaults, std::nullopt, 256).max_tokens, 40);
  EXPECT_EQ(stop_rule(defaults, 300, 256).max_tokens, 300);
  EXPECT_EQ(stop_rule(defaults, 300, 256).ids, (std::vector<TokenId>{2, 5}));
}

TEST(StopRule, NoAnswerMustBeLongerThanItMay) {
  GenerationDefaults defaults;
  defaults.min_new_tokens = 50;
  EXPECT_EQ(stop_rule(defaults, std::nullopt, 256).min_tokens, 50);
  EXPECT_EQ(stop_rule(defaults, 8, 256).min_tokens, 8);
}

}  // namespace
}  // namespace nestor::assemble
