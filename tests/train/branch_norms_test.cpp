#include "train/loop/branch_norms.h"

#include <gtest/gtest.h>

namespace nestor::train {
namespace {

torch::Tensor rows(const std::vector<std::array<float, 2>>& values) {
  torch::Tensor t = torch::empty({std::ssize(values), 2});
  for (std::size_t i = 0; i < values.size(); ++i) {
    t[static_cast<std::int64_t>(i)][0] = values[i][0];
    t[static_cast<std::int64_t>(i)][1] = values[i][1];
  }
  return t;
}

struct Expected {
  std::string name;
  double branch, stream;
};

void expect_norms(const BranchNorms& norms, const std::vector<Expected>& expected) {
  ASSERT_EQ(norms.norms().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(norms.norms()[i].name, expected[i].name);
    EXPECT_NEAR(norms.norms()[i].branch, expected[i].branch, 1e-6) << expected[i].name;
    EXPECT_NEAR(norms.norms()[i].stream, expected[i].stream, 1e-6) << expected[i].name;
  }
}

// By hand: the stream is (3, 4), (3, 0), (3, 3), ... of one token.
TEST(BranchNorms, FollowTheStreamThroughALayer) {
  BranchNorms norms;
  norms.see("embed", "", rows({{3, 4}}));
  norms.see("model.layers.0", ".self_attn.0", rows({{0, -4}}));
  norms.see("model.layers.0", ".mlp.chosen", torch::zeros({1, 2}, torch::kInt64));
  norms.see("model.layers.0", ".mlp", rows({{8, 6}}));
  norms.see("model.layers.0", ".mlps.0", rows({{-3, 4}}));
  norms.see("model.layers.0", ".self_attn.1", rows({{5, 8}}));
  norms.see("model.layers.0", ".mlps.1", rows({{1, 0}}));
  norms.see("model.layers.0", "", rows({{14, 18}}));
  norms.see("model.layers.1", ".self_attn.0", rows({{0, 2}}));
  norms.see("model.norm", "", rows({{1, 1}}));
  expect_norms(norms, {{"0 attn 0", 4, 5},
                       {"0 mlp 0", 5, 3},
                       {"0 attn 1", std::sqrt(89.0), 4},
                       {"0 mlp 1", 1, 13},
                       {"0 experts", 10, std::sqrt(180.0)},
                       {"1 attn 0", 2, std::sqrt(14.0 * 14 + 18 * 18)}});
}

TEST(BranchNorms, AreMeansOverTokensOfTheAmplifiedEmbedding) {
  BranchNorms norms;
  norms.see("embed", "", rows({{30, 40}, {0, 0}}));
  norms.see("model.embedding_norm", "", rows({{3, 4}, {0, 1}}));
  norms.see("model.layers.0", ".self_attn.0", rows({{6, 8}, {0, 0}}));
  expect_norms(norms, {{"0 attn 0", 5, 3}});
}

}  // namespace
}  // namespace nestor::train
