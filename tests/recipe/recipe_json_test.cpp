// Reading and writing recipes: round trip, unknown keys, ranges, contradictions.
#include "recipe/recipe_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "small_recipe.h"
#include "support/paths.h"
#include "support/refusal.h"

namespace nestor::recipe {
namespace {

using testing::small_recipe;

Recipe parsed(const Json& json) { return parse_recipe(json, "r.json"); }

Json changed(const std::string& assignment) {
  Json json = small_recipe();
  apply_override(json, assignment);
  return json;
}

TEST(RecipeJson, WhatIsWrittenReadsTheSame) {
  Json json = small_recipe();
  for (const char* item :
       {"seed=77", "products=bf16", "model.amplification=layer_norm", "tables.kind=row_adagrad",
        "dense.learning_rate=0.0123", "schedule.kind=cosine", "schedule.steps=123", "reporting.save_every=17",
        "routing.balance_groups=3", "device=cuda:1"}) {
    apply_override(json, item);
  }
  const Json written = to_json(parsed(json));
  EXPECT_EQ(to_json(parsed(written)), written);
  EXPECT_EQ(written["seed"], 77);
  EXPECT_EQ(written["products"], "bf16");
  EXPECT_EQ(written["tables"]["kind"], "row_adagrad");
  EXPECT_EQ(written["dense"]["learning_rate"], 0.0123);
  EXPECT_EQ(written["reporting"]["save_every"], 17);
  EXPECT_EQ(written["device"], "cuda:1");
}

TEST(RecipeJson, ValuesArriveInTheirPlaces) {
  const Recipe r = parsed(changed("schedule.steps=5000"));
  EXPECT_EQ(r.schedule.steps, 5000);
  EXPECT_EQ(r.model.config.hidden_size, 48);
  EXPECT_EQ(r.data.train, std::vector<std::string>{"/a.txt"});
  EXPECT_EQ(parsed(changed("data.train=/b.txt")).data.train, std::vector<std::string>{"/b.txt"});
}

TEST(RecipeJson, FactsOfTheFamilyAreCompleted) {
  const Recipe r = parsed(small_recipe());
  EXPECT_EQ(r.model.config.architecture, "LongcatFlashNgramForCausalLM");
  EXPECT_EQ(r.model.config.num_nextn_predict_layers, 1);
  EXPECT_EQ(r.model.config.eos_token_ids, std::vector<TokenId>{2});
  EXPECT_EQ(parsed(changed("model.draft=false")).model.config.num_nextn_predict_layers, 0);
  // K_e: three picks, six of nine experts have weights.
  EXPECT_EQ(r.routing.ffn_experts_wanted, 2.0);
}

TEST(RecipeJson, AnUnknownKeyNamesTheNearest) {
  EXPECT_REFUSED(parsed(changed("sede=1")), ErrorKind::usage,
                 "there is no key \"sede\"; the nearest is \"seed\"");
  EXPECT_REFUSED(parsed(changed("schedule.stesp=1")), ErrorKind::usage,
                 "r.json: schedule: there is no key \"stesp\"; the nearest is \"steps\"");
  EXPECT_REFUSED(parsed(changed("dense.learn_rate=1")), ErrorKind::usage, "\"learning_rate\"");
  EXPECT_REFUSED(parsed(changed("model.config.hiden_size=1")), ErrorKind::unsupported, "hiden_size");
}

TEST(RecipeJson, ValuesOutOfRangeAreRefused) {
  for (const char* item :
       {"schedule.steps=0", "schedule.steps=1.5", "schedule.steps=many", "dense.beta1=1.5",
        "dense.learning_rate=-1", "data.rows=0", "data.window=1", "threads=-1", "seed=-1", "model.draft=1",
        "schedule.decay_from=2", "data.train=7", "schedule=3", "name=[]"}) {
    SCOPED_TRACE(item);
    EXPECT_REFUSED(parsed(changed(item)), ErrorKind::bad_input, "r.json");
  }
  EXPECT_REFUSED(parsed(changed("schedule.kind=linear")), ErrorKind::bad_input,
                 "kind is \"linear\", expected one of constant, cosine, wsd");
  EXPECT_REFUSED(parsed(changed("device=gpu")), ErrorKind::bad_input, "expected cpu, cuda or cuda:N");
  EXPECT_REFUSED(parsed(changed("device=cuda:x")), ErrorKind::bad_input, "expected cpu, cuda or cuda:N");
}

TEST(RecipeJson, ContradictionsAreRefused) {
  EXPECT_REFUSED(parsed(changed("schedule.warmup_steps=1001")), ErrorKind::bad_input,
                 "exceeds schedule.steps 1000");
  for (const char* key : {"dense.beta1", "dense.beta2", "tables.beta2"}) {
    EXPECT_REFUSED(parsed(changed(std::string(key) + "=1")), ErrorKind::bad_input, key);
  }
  EXPECT_REFUSED(parsed(changed("dense.epsilon=0")), ErrorKind::bad_input, "dense.epsilon must be above 0");
  for (const char* norm : {"1e-300", "1e-7"}) {
    EXPECT_REFUSED(parsed(changed(std::string("dense.clip_norm=") + norm)), ErrorKind::bad_input,
                   "nothing would be learnt");
  }
  EXPECT_NO_THROW(parsed(changed("dense.clip_norm=0")));
  for (const char* id :
       {"bos_token_id=123456789", "bos_token_id=-1", "pad_token_id=\"x\"", "bos_token_id=[1]"})
    EXPECT_REFUSED(parsed(changed(std::string("model.config.") + id)), ErrorKind::bad_input, "_token_id");
  EXPECT_REFUSED(parsed(changed("model.config.attention_method=LSA")), ErrorKind::unsupported,
                 "attention_method");
  EXPECT_REFUSED(parsed(changed("data.window=257")), ErrorKind::bad_input, "max_position_embeddings 256");
  EXPECT_REFUSED(parsed(changed("routing.balance_groups=4")), ErrorKind::bad_input,
                 "does not divide the 6 experts");
  EXPECT_REFUSED(parsed(changed("routing.ffn_experts_wanted=4")), ErrorKind::bad_input, "exceeds 3");
  EXPECT_REFUSED(parsed(changed("model.config.num_nextn_predict_layers=0")), ErrorKind::bad_input,
                 "model.draft");
  EXPECT_REFUSED(parsed(changed("data.train=[]")), ErrorKind::bad_input, "data.train is empty");
  EXPECT_REFUSED(parsed(changed("data.tokenizer=")), ErrorKind::bad_input, "data.tokenizer is missing");
  Json no_config = small_recipe();
  no_config["model"].erase("config");
  EXPECT_REFUSED(parsed(no_config), ErrorKind::bad_input, "config is missing");
}

TEST(RecipeJson, OnlyAnObjectCanBeChanged) {
  for (Json json : {Json(50), Json("a"), Json::array({1})}) {
    EXPECT_REFUSED(apply_override(json, "schedule.steps=1"), ErrorKind::bad_input, "a recipe is an object");
  }
}

TEST(RecipeJson, PathsStartAtAFolder) {
  Json json = small_recipe();
  json["data"]["train"] = {"a.txt", "/b.txt", "../c"};
  json["data"]["heldout"] = "h.txt";
  anchor_paths(json, "/f/r");
  EXPECT_EQ(json["data"]["train"], Json({"/f/r/a.txt", "/b.txt", "/f/c"}));
  EXPECT_EQ(json["data"]["heldout"], "/f/r/h.txt");
  EXPECT_EQ(json["data"]["tokenizer"], "/t");
}

// The page for users has a row for every key, and no others.
TEST(RecipeDocs, ListEveryKey) {
  std::ifstream page(nestor::testing::docs_folder() / "train.md");
  std::set<std::string> listed;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("#")) inside = line == "## A recipe's keys";
    if (!inside || !line.starts_with("| ") || line.starts_with("| key")) continue;
    listed.insert(line.substr(2, line.find(" |", 2) - 2));
  }
  const std::vector<std::string> keys = known_keys();
  EXPECT_EQ(listed, std::set<std::string>(keys.begin(), keys.end()));
}

}  // namespace
}  // namespace nestor::recipe
