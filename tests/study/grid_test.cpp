#include "study/grid.h"

#include <gtest/gtest.h>

#include <cmath>

#include "config/footprint.h"
#include "study/study.h"
#include "support/refusal.h"

namespace nestor::study {
namespace {

std::map<std::string, recipe::Recipe> recipes_of(const std::string& name) {
  std::map<std::string, recipe::Recipe> recipes;
  for (const Variant& v : parse_grid(preset(name), name).variants)
    recipes.emplace(v.name, typed(v.recipe, v.name));
  return recipes;
}

std::int64_t total(const recipe::Recipe& r) { return config::footprint_of(r.model.config).total; }

TEST(Grid, PresetsArePlanned) {
  for (const std::string& name : preset_names()) {
    const Grid grid = parse_grid(preset(name), name);
    EXPECT_EQ(grid.name, name);
    EXPECT_GE(grid.variants.size(), 5U);
    EXPECT_EQ(plan_of(grid).rows.size(), grid.variants.size());
  }
  EXPECT_REFUSED(preset("qat"), ErrorKind::usage, "smoke, cpu, ratio, shapes, gpu");
}

// Within a thousandth; what is compared has the same experts for a token, width and depth.
TEST(Grid, TwinsHaveAsManyParameters) {
  int pairs = 0;
  for (const std::string& name : preset_names()) {
    const auto recipes = recipes_of(name);
    for (const auto& [with, recipe] : recipes) {
      std::string twin = "moe" + with.substr(std::min<std::size_t>(2, with.size()));
      if (with.starts_with("ne-r12-share")) twin = "moe-r12";
      if (with == "ne-ple" || with == "ne-plne") twin = with.substr(3);
      if (!with.starts_with("ne-") || !recipes.contains(twin)) continue;
      ++pairs;
      const auto expected = static_cast<double>(total(recipes.at(twin)));
      EXPECT_NEAR(static_cast<double>(total(recipe)) / expected, 1, 1e-3) << name << " " << with;
      EXPECT_EQ(recipe.schedule.steps, recipes.at(twin).schedule.steps) << name << " " << with;
    }
  }
  EXPECT_GE(pairs, 25);
}

TEST(Grid, SharesAndRatiosAreAsNamed) {
  const auto recipes = recipes_of("smoke");
  for (const auto& [name, share] : {std::pair{"ne-r3", 0.33}, std::pair{"ne-r12", 0.5},
                                    std::pair{"ne-r12-share25", 0.25}, std::pair{"ne-r12-share75", 0.75}}) {
    const config::Footprint f = config::footprint_of(recipes.at(name).model.config);
    EXPECT_NEAR(static_cast<double>(f.ngram) / static_cast<double>(f.total), share, 0.04) << name;
  }
  const auto ratios = recipes_of("ratio");
  for (const auto& [name, ratio] : {std::pair{"moe-r3", 3.0}, std::pair{"moe-r6", 6.0},
                                    std::pair{"moe-r12", 12.0}, std::pair{"moe-r24", 24.0}}) {
    const config::Footprint f = config::footprint_of(ratios.at(name).model.config);
    const auto routers = static_cast<double>(f.of(config::Part::router));
    const double activated =
        static_cast<double>(f.activated_max) - routers + 32;  // and a row of the word table
    EXPECT_NEAR(static_cast<double>(f.total) / activated, ratio, 0.01 * ratio) << name;
  }
}

// Tables of runs that are compared stay away from where 2-grams collide, but for the one that shows it.
TEST(Grid, RatiosOfTablesAreFarFromSmallFractions) {
  for (const std::string& preset_name : preset_names()) {
    for (const auto& [name, recipe] : recipes_of(preset_name)) {
      if (!recipe.model.config.ngram || name == "ne-r12-rows11.00") continue;
      const double ratio = recipe.model.config.ngram->ratio;
      for (int q = 1; q <= 4; ++q)
        EXPECT_GT(std::abs(ratio - std::round(ratio * q) / q), 0.02)
            << preset_name << " " << name << " " << ratio;
    }
  }
}

Json small() {
  return Json::parse(
      R"({"name": "a", "base": {"products": "f32", "model": {"config": {}}}, "runs": [{"name": "x"}]})");
}

TEST(Grid, SaysWhatIsWrong) {
  struct Case {
    const char *pointer, *value, *part;
  };
  for (const Case& c :
       {Case{"/nme", "1", "no key"}, Case{"/name", "\"a/b\"", "letters, digits"},
        Case{"/runs", "5", "list at runs"}, Case{"/seeds", "[1, 1]", "different seeds"},
        Case{"/seeds", "[-1]", "whole number"}, Case{"/text", "{\"bytes\": -1}", "whole number"},
        Case{"/text", "{\"sources\": [1]}", "names of files"}, Case{"/batches", "[0]", "1 to 4096"},
        Case{"/base", "[]", "recipe at base"}, Case{"/base/data", "3", "recipe at base"},
        Case{"/runs/0/sett", "{}", "no key"}, Case{"/runs/0/set", "{\"modle.draft\": 1}", "modle"},
        Case{"/runs/0", "3", "expected an object"}}) {
    Json grid = small();
    grid[Json::json_pointer(c.pointer)] = parse_json(c.value, "value");
    std::string message;
    try {
      parse_grid(grid, "grid");
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(c.part), std::string::npos) << c.pointer << ": " << message;
  }
  Json twice = preset("smoke");
  twice["runs"].push_back(twice["runs"][0]);
  EXPECT_REFUSED(parse_grid(twice, "grid"), ErrorKind::bad_input, "two runs have the name");
  Json measured = preset("smoke");
  measured["base"]["products"] = "measured";
  EXPECT_REFUSED(parse_grid(measured, "grid"), ErrorKind::usage, "f32 or bf16");
}

}  // namespace
}  // namespace nestor::study
