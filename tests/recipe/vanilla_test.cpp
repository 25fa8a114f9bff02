// The twin without n-gram tables.
#include <gtest/gtest.h>

#include "config/footprint.h"
#include "config/parse_config.h"
#include "recipe/model_json.h"
#include "recipe/recipe_json.h"
#include "small_recipe.h"

namespace nestor::recipe {
namespace {

TEST(Vanilla, ExpertsTakeThePlaceOfTables) {
  Json json = testing::small_recipe();
  const Recipe r = parse_recipe(json, "r");
  json["model"]["vanilla"] = true;
  const Recipe twin = parse_recipe(json, "r");
  EXPECT_FALSE(twin.model.config.ngram);
  EXPECT_EQ(twin.model.config.architecture, "LongcatFlashForCausalLM");
  EXPECT_EQ(twin.model.config.zero_expert_num, r.model.config.zero_expert_num);
  EXPECT_EQ(twin.model.config.moe_topk, r.model.config.moe_topk);
  // By hand: four tables of 3329, 3331, 3333, 3335 rows of 12, four projections [48, 12], against experts of
  // 3 48 16 values and a router row of 48 and a bias, in each of two layers.
  const double tables = (3329 + 3331 + 3333 + 3335) * 12 + 4 * 48 * 12;
  const double expert = 2 * (3 * 48 * 16 + 48 + 1);
  EXPECT_EQ(twin.model.config.n_routed_experts, 6 + static_cast<std::int64_t>(tables / expert + 0.5));
}

TEST(Vanilla, IsWrittenWithTheOriginalConfig) {
  Json json = testing::small_recipe();
  json["model"]["vanilla"] = true;
  const Json written = to_json(parse_recipe(json, "r"));
  EXPECT_EQ(written["model"]["config"]["n_routed_experts"], 6);
  EXPECT_EQ(to_json(parse_recipe(written, "r")), written);
  EXPECT_EQ(trained_config_json(parse_recipe(json, "r").model).contains("emb_split_num"), false);
}

}  // namespace
}  // namespace nestor::recipe
