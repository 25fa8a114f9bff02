// A checkpoint against its configuration: nothing missing, nothing left over, everything of the right shape.
#include "checkpoint/inventory.h"

#include <gtest/gtest.h>

#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "config/parse_config.h"
#include "support/golden.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::checkpoint {
namespace {

using config::NameLayout;
using testing::ScratchFolder;

// One layer, with sizes of which some are no multiple of a block, so that scales have partial blocks.
config::ModelConfig small_config() {
  Json json = read_json(testing::golden_folder("lite_small") / "config.json", 1 << 20);
  json["num_layers"] = 1;
  json["ffn_hidden_size"] = 130;
  return config::parse_config(json, "config.json");
}

using Plan = std::vector<PlannedTensor>;

Plan plan_of(const config::ModelConfig& config, const NameLayout& layout = {}) {
  Plan plan;
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& t) {
    plan.push_back({t.name, DType::bf16, {t.shape.begin(), t.shape.begin() + t.rank}});
  });
  return plan;
}

PlannedTensor& named(Plan& plan, const std::string& name) {
  for (PlannedTensor& t : plan) {
    if (t.name == name) return t;
  }
  throw std::runtime_error("no tensor " + name + " to change");
}

void remove(Plan& plan, const std::string& name) {
  std::erase_if(plan, [&](const PlannedTensor& t) { return t.name == name; });
}

// Writes the plan, zeros everywhere, and holds it against the configuration.
NameLayout check(const Plan& plan) {
  const ScratchFolder folder;
  SafetensorsWriter writer(folder.path() / "model.safetensors", plan);
  for (const PlannedTensor& t : plan) writer.append(std::vector<std::byte>(t.bytes()));
  writer.finish();
  const Checkpoint checkpoint(folder.path());
  const auto config = small_config();
  const NameLayout layout = layout_of(config, checkpoint);
  check_inventory(config, layout, checkpoint);
  return layout;
}

const std::string kUp = "model.layers.0.mlps.1.up_proj.weight";
const std::string kQ = "model.layers.0.self_attn.0.q_a_proj.weight";

TEST(Inventory, EveryLayoutOfTheNamesIsRecognised) {
  EXPECT_EQ(check(plan_of(small_config())).experts, NameLayout::Experts::separate);
  const NameLayout other = {NameLayout::WordTable::ngram_word_embeddings, NameLayout::Experts::fused,
                            NameLayout::CorrectionBias::dotted, NameLayout::Draft::present};
  const NameLayout found = check(plan_of(small_config(), other));
  EXPECT_EQ(found.word_table, other.word_table);
  EXPECT_EQ(found.experts, other.experts);
  EXPECT_EQ(found.correction_bias, other.correction_bias);
  EXPECT_EQ(found.draft, other.draft);
}

TEST(Inventory, EveryMissingTensorIsNamed) {
  const NameLayout layout = {.draft = NameLayout::Draft::present};
  const Plan whole = plan_of(small_config(), layout);
  for (const PlannedTensor& t : whole) {
    Plan plan = whole;
    remove(plan, t.name);
    EXPECT_REFUSED(check(plan), ErrorKind::bad_input, t.name);
  }
}

TEST(Inventory, LongListsAreCutAndCounted) {
  Plan plan = plan_of(small_config());
  plan.resize(10);
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, " more");
  const auto refusal = testing::refusal_of([&] { check(plan); });
  EXPECT_LT(refusal->message.size(), 1000U);
}

TEST(Inventory, TensorsThatNothingUsesAreNamed) {
  for (const std::string name :
       {"model.layers.1.input_layernorm.0.weight", "lm_head.bias", "model.oe_embed_tokens0.weight",
        "model.layers.0.mlp.experts.99.up_proj.weight", "model.layers.0.mlp.experts.gate_up_proj_scale",
        "model.layers.0.mlps.1.up_proj.weight_scale_inv", "model.embed_tokens", "x"}) {
    Plan plan = plan_of(small_config());
    plan.push_back({name, DType::bf16, {1}});
    EXPECT_REFUSED(check(plan), ErrorKind::bad_input, "nothing would use: " + name);
  }
}

TEST(Inventory, MatricesOfIdentityExpertsAreSparedAndNoOthers) {
  const std::string stem = "model.layers.0.mlp.experts.";  // 8 experts and 4 identity experts
  Plan plan = plan_of(small_config());
  for (const char* name :
       {"8.gate_proj.weight", "8.up_proj.weight", "11.gate_proj.weight", "11.down_proj.weight"}) {
    plan.push_back({stem + name, DType::bf16, {3}});
  }
  EXPECT_NO_THROW(check(plan));
  for (const char* name :
       {"model.layers.0.mlp.experts.12.gate_proj.weight", "model.layers.0.mlp.experts.8.gate_proj.bias",
        "model.layers.0.mlp.experts.8x.up_proj.weight", "model.layers.1.mlp.experts.8.up_proj.weight",
        "model.layers.-1.mlp.experts.8.up_proj.weight"}) {
    Plan more = plan;
    more.push_back({name, DType::bf16, {1}});
    EXPECT_REFUSED(check(more), ErrorKind::bad_input, std::string("nothing would use: ") + name);
  }
}

TEST(Inventory, EveryWrongShapeIsNamed) {
  const Plan whole = plan_of(small_config());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0, 1, 2}) {
      Plan plan = whole;
      auto& shape = plan[i].shape;
      if (change == 0) ++shape.back();
      if (change == 1) shape.insert(shape.begin(), 1);
      if (change == 2) --shape.front();
      EXPECT_REFUSED(check(plan), ErrorKind::bad_input, plan[i].name + " is [");
    }
  }
  Plan plan = whole;
  std::swap(named(plan, kUp).shape[0], named(plan, kUp).shape[1]);  // a transposed matrix
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, kUp);
}

TEST(Inventory, NumberTypesThatAreNoWeightsAreRefused) {
  for (const DType dtype : {DType::i64, DType::f64, DType::u8, DType::f8_e5m2, DType::boolean}) {
    Plan plan = plan_of(small_config());
    named(plan, kQ).dtype = dtype;
    EXPECT_REFUSED(check(plan), ErrorKind::bad_input, kQ + " is stored as " + std::string(name_of(dtype)));
  }
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    Plan plan = plan_of(small_config());
    named(plan, kQ).dtype = dtype;
    EXPECT_NO_THROW(check(plan));
  }
}

TEST(Inventory, EightBitsNeedAMatrixAndItsScales) {
  for (const std::string name :
       {"model.norm.weight", "lm_head.weight", "model.embed_tokens.weight",
        "model.layers.0.mlp.router.classifier.weight", "model.ngram_embeddings.embedders.0.weight"}) {
    Plan plan = plan_of(small_config());
    named(plan, name).dtype = DType::f8_e4m3;
    EXPECT_REFUSED(check(plan), ErrorKind::bad_input, name + " is stored as F8_E4M3");
  }
  Plan plan = plan_of(small_config());
  PlannedTensor& up = named(plan, kUp);
  ASSERT_EQ(up.shape, (std::vector<std::int64_t>{130, small_config().hidden_size}));
  ASSERT_LE(up.shape[1], 128);
  up.dtype = DType::f8_e4m3;
  const std::string scale = kUp + "_scale_inv";
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, "missing tensors: " + scale);
  plan.push_back({scale, DType::f32, {2, 1}});  // 130 rows are two blocks, the second with two rows
  EXPECT_NO_THROW(check(plan));
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{1, 1}, {2, 2}, {1, 2}, {2}, {}, {130, 1}}) {
    plan.back() = {scale, DType::f32, shape};
    EXPECT_REFUSED(check(plan), ErrorKind::bad_input, scale + " is F32");
  }
  plan.back() = {scale, DType::u8, {2, 1}};
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, scale + " is U8");
}

TEST(Inventory, TheWordTableMustBeThereOnce) {
  Plan plan = plan_of(small_config());
  const PlannedTensor words = named(plan, "model.embed_tokens.weight");
  const std::string inside = "model.ngram_embeddings.word_embeddings.weight";
  plan.push_back({inside, words.dtype, words.shape});
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, "there twice");
  remove(plan, words.name);
  EXPECT_NO_THROW(check(plan));
  remove(plan, inside);
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, words.name);
}

TEST(Inventory, BothSpellingsOfTheBiasOrOfTheExpertsAreTooMany) {
  Plan plan = plan_of(small_config());
  const auto routes = named(plan, "model.layers.0.mlp.router.e_score_correction_bias").shape;
  plan.push_back({"model.layers.0.mlp.router.e_score_correction.bias", DType::bf16, routes});
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, "e_score_correction_bias");
  plan = plan_of(small_config());
  const Plan fused = plan_of(small_config(), {.experts = NameLayout::Experts::fused});
  for (const PlannedTensor& t : fused) {
    if (t.shape.size() == 3) plan.push_back(t);
  }
  EXPECT_REFUSED(check(plan), ErrorKind::bad_input, "model.layers.0.mlp.experts.0.down_proj.weight");
}

TEST(Inventory, FusedExpertsMayHaveRowsForTheIdentityExperts) {
  const auto config = small_config();
  ASSERT_GT(config.zero_expert_num, 0);
  const std::string gate_up = "model.layers.0.mlp.experts.gate_up_proj";
  const Plan whole = plan_of(config, {.experts = NameLayout::Experts::fused});
  Plan plan = whole;
  named(plan, gate_up).shape[0] = config.routes();
  EXPECT_NO_THROW(check(plan));
  for (const std::int64_t wrong :
       {config.n_routed_experts - 1, config.n_routed_experts + 1, config.routes() + 1}) {
    plan = whole;
    named(plan, gate_up).shape[0] = wrong;
    EXPECT_REFUSED(check(plan), ErrorKind::bad_input, gate_up + " is [");
  }
}

}  // namespace
}  // namespace nestor::checkpoint
