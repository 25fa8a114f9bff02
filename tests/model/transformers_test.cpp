// Models that transformers saved (tests/transformers/models.py): its layouts open as they are, and say what
// it says.
//
// Tolerance: as for the golden checkpoints (golden_test.cpp), of which these are smaller relatives.
#include <gtest/gtest.h>

#include <algorithm>

#include "checkpoint/inventory.h"
#include "kernels/registry.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/paths.h"

namespace nestor {
namespace {

constexpr double kTolerance = 2e-4;

std::filesystem::path folder_of(const std::string& name) {
  return testing::test_data_folder() / "transformers" / name;
}

class Transformers : public ::testing::TestWithParam<const char*> {};

TEST_P(Transformers, LogitsAndGreedyTokensAreTheirs) {
  const auto folder = folder_of(GetParam());
  const Json expected = read_json(folder / "expected.json", 1 << 20);
  const auto ids = expected.at("ids").get<std::vector<TokenId>>();
  const auto greedy = expected.at("greedy").get<std::vector<TokenId>>();
  const testing::Array logits = testing::read_npy(folder / "logits.npy");
  for (const std::string_view kernels : kernels::runnable_sets(cpu_info())) {
    const auto model = testing::open_model(folder, kernels);
    EXPECT_LT(testing::relative_difference(testing::all_logits(*model, ids, ids.size()), logits.floats),
              kTolerance)
        << kernels;
    const lm::Sequence sequence(*model);
    std::vector<TokenId> next = ids, generated;
    while (generated.size() < greedy.size()) {
      const std::vector<lm::Chunk> batch = {{sequence.id(), next}};
      const auto row = model->forward(batch).row(0);
      next = {static_cast<TokenId>(std::max_element(row.begin(), row.end()) - row.begin())};
      generated.push_back(next[0]);
    }
    EXPECT_EQ(generated, greedy) << kernels;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Transformers,
                         ::testing::Values("default", "no_identity", "fused", "fused_no_identity", "sharded",
                                           "bf16", "yarn", "router_logits"),
                         [](const auto& param) { return std::string(param.param); });

// The point of the folders: without these tensors they would show nothing.
TEST(TransformersLayouts, AreThoseThatItSaves) {
  const checkpoint::Checkpoint separate(folder_of("default")), fused(folder_of("fused"));
  EXPECT_NE(separate.find("model.layers.1.mlp.experts.5.gate_proj.weight"),
            nullptr);  // of an identity expert
  EXPECT_EQ(fused.find("model.layers.1.mlp.experts.gate_up_proj")->entry->shape[0], 6);
  EXPECT_EQ(checkpoint::Checkpoint(folder_of("bf16")).find("lm_head.weight")->entry->dtype, DType::bf16);
  EXPECT_TRUE(std::filesystem::exists(folder_of("sharded") / "model.safetensors.index.json"));
}

}  // namespace
}  // namespace nestor
