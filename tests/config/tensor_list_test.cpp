// The slots of the list: every tensor has its own, whatever a file calls it.
#include "config/tensor_list.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "config/sample.h"

namespace nestor::config {
namespace {

ModelConfig config_of(const std::string& golden) {
  return read_config(testing::golden_folder(golden) / "config.json");
}

std::map<Slot, std::string> names(const ModelConfig& config, const NameLayout& layout) {
  std::map<Slot, std::string> names;
  for_each_tensor(config, layout,
                  [&](const TensorInfo& t) { EXPECT_TRUE(names.emplace(t.slot, t.name).second) << t.name; });
  return names;
}

TEST(TensorList, SlotsAndNamesAreOneToOne) {
  for (const std::string& golden : testing::golden_names()) {
    for (const auto experts : {NameLayout::Experts::separate, NameLayout::Experts::fused}) {
      const ModelConfig config = config_of(golden);
      const NameLayout layout = {.experts = experts, .draft = NameLayout::Draft::present};
      std::set<std::string> seen;
      for (const auto& [slot, name] : names(config, layout)) {
        EXPECT_TRUE(seen.insert(name).second) << golden << ": " << name;
        EXPECT_EQ(tensor_name(config, layout, slot), name) << golden;
      }
    }
  }
}

TEST(TensorList, AnotherSpellingLeavesTheSlotsAlone) {
  const ModelConfig config = config_of("lite_small");
  const NameLayout other = {.word_table = NameLayout::WordTable::ngram_word_embeddings,
                            .correction_bias = NameLayout::CorrectionBias::dotted};
  const auto published = names(config, {}), respelled = names(config, other);
  ASSERT_EQ(published.size(), respelled.size());
  std::int64_t differ = 0;
  for (const auto& [slot, name] : published) differ += respelled.at(slot) == name ? 0 : 1;
  EXPECT_EQ(differ, 1 + config.num_layers);
}

// Written down from the published files and the formats of other tools, not from our code.
TEST(TensorList, SlotsSayWhereATensorIs) {
  const auto name = [](const std::string& golden, const Slot& slot) {
    return tensor_name(config_of(golden), {}, slot);
  };
  EXPECT_EQ(name("lite_small", {Part::word_embedding, Field::words}), "model.embed_tokens.weight");
  EXPECT_EQ(name("lite_small", {Part::ngram_table, Field::table, Slot::none, Slot::none, 3}),
            "model.ngram_embeddings.embedders.3.weight");
  EXPECT_EQ(name("lite_small", {Part::attention, Field::kv_a, 1, 0}),
            "model.layers.1.self_attn.0.kv_a_proj_with_mqa.weight");
  EXPECT_EQ(name("lite_small", {Part::norm, Field::post_attention_norm, 0, 1}),
            "model.layers.0.post_attention_layernorm.1.weight");
  EXPECT_EQ(name("lite_small", {Part::dense_mlp, Field::up, 1, 1}), "model.layers.1.mlps.1.up_proj.weight");
  EXPECT_EQ(name("lite_small", {Part::experts, Field::up, 1, Slot::none, 7}),
            "model.layers.1.mlp.experts.7.up_proj.weight");
  EXPECT_EQ(name("lite_small", {Part::experts, Field::down, 1}), "model.layers.1.mlp.experts.down_proj");
  EXPECT_EQ(name("lite_small", {Part::draft, Field::q_norm}),
            "model.mtp.layers.0.self_attn.q_a_layernorm.weight");
  EXPECT_EQ(name("variant_ple", {Part::layer_table, Field::words, 1, 0}),
            "model.layers.1.mlps.0.embed_tokens.weight");
  EXPECT_EQ(name("variant_plne", {Part::layer_table, Field::words, 1, 1}),
            "model.layers.1.mlps.1.ngram_embeddings.word_embeddings.weight");
}

}  // namespace
}  // namespace nestor::config
