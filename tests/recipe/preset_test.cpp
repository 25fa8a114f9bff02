#include "recipe/presets.h"

#include <gtest/gtest.h>

#include "config/footprint.h"
#include "recipe/recipe_json.h"
#include "support/refusal.h"

namespace nestor::recipe {
namespace {

TEST(Preset, AllParse) {
  for (const std::string& name : preset_names()) {
    const Recipe r = parse_recipe(preset(name), name);
    EXPECT_EQ(r.name, name);
    EXPECT_EQ(r.model.vanilla, name.ends_with("-vanilla"));
    EXPECT_EQ(r.model.config.ngram.has_value(), !r.model.vanilla);
  }
}

TEST(Preset, TwinsHaveAsManyParameters) {
  for (const std::string name : {"smoke", "story"}) {
    const Recipe r = parse_recipe(preset(name), name);
    const Recipe twin = parse_recipe(preset(name + "-vanilla"), name);
    const auto a = static_cast<double>(config::footprint_of(r.model.config).total);
    const auto b = static_cast<double>(config::footprint_of(twin.model.config).total);
    // Nearest means: no further than half an expert of every layer.
    const config::ModelConfig& c = r.model.config;
    const auto expert = static_cast<double>(
        c.num_layers * (3 * c.hidden_size * c.expert_ffn_hidden_size + c.hidden_size + 1));
    EXPECT_LE(std::abs(a - b), expert / 2) << name;
    EXPECT_EQ(twin.routing.ffn_experts_wanted, r.routing.ffn_experts_wanted);
  }
}

TEST(Preset, UnknownNamesAreRefused) {
  EXPECT_REFUSED(preset("smok"), ErrorKind::usage, "smoke, story, smoke-vanilla, story-vanilla");
  EXPECT_REFUSED(preset("-vanilla"), ErrorKind::usage, "expected a JSON file or one of");
}

}  // namespace
}  // namespace nestor::recipe
