// What a run costs, counted by hand for a model small enough for that.
#include "train/loop/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "recipe/recipe_json.h"
#include "support/refusal.h"

namespace nestor::train {
namespace {

recipe::Recipe small(const std::vector<std::string>& changes = {}) {
  Json json = Json::parse(R"({
    "model": {"config": {
      "vocab_size": 100, "hidden_size": 8, "num_layers": 1, "max_position_embeddings": 64,
      "num_attention_heads": 2, "q_lora_rank": 4, "kv_lora_rank": 3,
      "qk_nope_head_dim": 2, "qk_rope_head_dim": 2, "v_head_dim": 3,
      "ffn_hidden_size": 5, "expert_ffn_hidden_size": 6,
      "n_routed_experts": 4, "zero_expert_num": 4, "moe_topk": 2, "routed_scaling_factor": 1.0,
      "emb_neighbor_num": 2, "emb_split_num": 2, "ngram_vocab_size_ratio": 3}, "draft": false},
    "data": {"tokenizer": "/t", "train": ["/a"], "window": 16, "rows": 2}})");
  for (const std::string& change : changes) recipe::apply_override(json, change);
  return recipe::parse_recipe(json, "r");
}

// Of one attention: 8*4 + 4*2*4 + 8*5 + 3*2*5 + 2*3*8 = 182 and norms of 4 and 3; of the MLPs 3*8*5 each.
constexpr double kAttention = 182 + 7;
constexpr double kDense = 120;
constexpr double kExpert = 3 * 8 * 6;
constexpr double kRouter = 8 * 8 + 8;
constexpr double kNorms = 5 * 8;
constexpr double kProjections = 2 * 8 * 4;
constexpr double kHead = 100 * 8;
// One of two picks is an expert with weights.
constexpr double kActive =
    2 * kAttention + 2 * kDense + 1 * kExpert + kRouter + kNorms + kProjections + kHead;

// Norms and biases, which no product is with.
constexpr double kVectors = 2 * 7 + 8 + kNorms;

TEST(Plan, FlopsOfAToken) {
  // Each of two attentions: 3 T A (d_qk + d_v).
  const double attention = 3 * 16 * 2 * (4 + 3);
  EXPECT_DOUBLE_EQ(flops_per_token(small()), 6 * (kActive - kVectors) + 2 * attention);
  // Half of the rows go through the draft block and the head once more.
  const double draft = 2 * 8 * 8 + 182 + kDense + kHead;
  EXPECT_DOUBLE_EQ(flops_per_token(small({"model.draft=true", "model.draft_fraction=0.5"})),
                   6 * (kActive - kVectors + draft / 2) + 2.5 * attention);
}

TEST(Plan, MemoryOfWeightsAndTables) {
  const double dense = kActive + 3 * kExpert;
  const double rows = 100 + 301 + 303;
  const double values = 100 * 8 + (301 + 303) * 4;
  const MemoryPlan plan = memory_plan(small({"dense.kind=adamw", "tables.kind=row_adagrad"}));
  EXPECT_EQ(plan.weights, static_cast<std::uint64_t>(4 * dense));
  EXPECT_EQ(plan.gradients, plan.weights);
  EXPECT_EQ(plan.optimizer, 2 * plan.weights);
  EXPECT_EQ(plan.tables, static_cast<std::uint64_t>(8 * rows + 4 * values));
  EXPECT_EQ(plan.resident_tables, plan.tables);
  EXPECT_EQ(memory_plan(small({"tables.kind=row_adam"})).tables,
            static_cast<std::uint64_t>(8 * rows + 8 * values));
  EXPECT_EQ(memory_plan(small({"tables.kind=adam"})).tables,
            static_cast<std::uint64_t>(8 * rows + 12 * values));
  EXPECT_EQ(memory_plan(small({"tables.storage=mapped"})).resident_tables, 0u);
  // Records are of whole eight bytes: 8 + 4 * 8 or 4 * 4 in bf16 with two moments is 56 and 32.
  EXPECT_EQ(memory_plan(small({"tables.kind=adam", "tables.numbers=bf16"})).tables,
            100u * (8 + 3 * 2 * 8) + (301u + 303) * (8 + 3 * 2 * 4));
  // Muon keeps one number of every matrix between hidden vectors, of experts, attention and MLPs.
  const double hidden = 2 * 182 + 2 * kDense + 4 * kExpert;
  EXPECT_EQ(memory_plan(small({"dense.kind=muon"})).optimizer,
            static_cast<std::uint64_t>(8 * dense - 4 * hidden));
}

TEST(Plan, ActivationsGrowWithTheBatch) {
  const auto of = [](const char* rows) { return memory_plan(small({rows, "data.window=64"})).activations; };
  // The head's piece of 1024 tokens is full from 16 rows on; what every token keeps is added for each. Bytes
  // are rounded down.
  const auto grows = [&](const char* to, const char* from) { return static_cast<double>(of(to) - of(from)); };
  EXPECT_GT(grows("data.rows=32", "data.rows=16"), 0);
  EXPECT_NEAR(grows("data.rows=64", "data.rows=32"), 2 * grows("data.rows=32", "data.rows=16"), 3);
  EXPECT_GT(of("data.rows=16"), of("data.rows=8"));
}

TEST(Plan, WhatDoesNotFitIsRefusedWithWhatWould) {
  const recipe::Recipe recipe = small({"data.rows=1000"});
  const MemoryPlan plan = memory_plan(recipe);
  EXPECT_NO_THROW(check_memory(recipe, plan, plan.resident()));
  EXPECT_REFUSED(check_memory(recipe, plan, plan.resident() - 1), ErrorKind::limit, "data.rows=999 would");
  EXPECT_REFUSED(check_memory(recipe, plan, plan.resident() - plan.activations / 2), ErrorKind::limit,
                 "data.rows=");
  EXPECT_REFUSED(check_memory(recipe, plan, 100), ErrorKind::limit, "make the model smaller");
  const recipe::Recipe wide = small({"model.config.ngram_vocab_size_ratio=90000.5"});
  const MemoryPlan large = memory_plan(wide);
  EXPECT_REFUSED(check_memory(wide, large, large.resident() - large.resident_tables / 2), ErrorKind::limit,
                 fmt::format("tables.storage=mapped with data.rows={} would", wide.data.rows));
}

// The logits of a piece of the batch are there whatever the number of rows.
TEST(Plan, WhatIsAdvisedFitsAndOneRowMoreDoesNot) {
  recipe::Recipe recipe = small({"data.rows=1000", "data.window=32"});
  const MemoryPlan whole = memory_plan(recipe);
  for (const std::uint64_t share : {3, 7, 20}) {
    const std::uint64_t available = whole.resident() - whole.activations + whole.activations / share;
    recipe.data.rows = 1000;
    const auto refusal = testing::refusal_of([&] { check_memory(recipe, whole, available); });
    ASSERT_TRUE(refusal);
    const auto at = refusal->message.find("data.rows=");
    ASSERT_NE(at, std::string::npos) << refusal->message;
    recipe.data.rows = std::stoi(refusal->message.substr(at + 10));
    EXPECT_NO_THROW(check_memory(recipe, memory_plan(recipe), available));
    ++recipe.data.rows;
    EXPECT_GT(memory_plan(recipe).resident(), available);
  }
}

TEST(Plan, TablesOfTextNameWhatThereIs) {
  const recipe::Recipe recipe = small();
  const std::string parameters = parameter_table(recipe);
  for (const char* part : {"word embedding", "n-gram tables", "attention", "experts", "head"}) {
    EXPECT_NE(parameters.find(part), std::string::npos) << parameters;
  }
  EXPECT_EQ(parameters.find("draft block"), std::string::npos);
  EXPECT_NE(memory_table(memory_plan(recipe), 1 << 20).find("activations, about"), std::string::npos);
}

}  // namespace
}  // namespace nestor::train
