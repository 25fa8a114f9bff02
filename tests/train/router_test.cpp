// The balance of experts: hand calculations of the loss, the selection bias and what is reported.
#include "train/modules/router.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/refusal.h"
#include "train/model_fixture.h"

namespace nestor::train {
namespace {

// Four experts in two groups, two identity experts, three picks of which two are wanted on experts.
RouterShape small() { return {4, 2, 3, 1.0, 2.0, 0.5, 0.1, 2}; }

TEST(Router, BiasMovesTowardsAnEvenShareOfExpertsOnly) {
  const RouterParameters w{torch::zeros({6, 2}), torch::zeros({6})};
  // 4 tokens, 12 picks: 6 + 1 + 1 + 0 on experts, 3 and 1 on identity experts.
  update_bias(small(), w, torch::tensor({6, 1, 1, 0, 3, 1}, torch::kInt64));
  // even share (2 / 3) / 4 = 1/6; shares 6/12, 1/12, 1/12, 0; mu 0.5
  const std::vector<double> expected = {0.5 * (1.0 / 6 - 0.5), 0.5 / 12, 0.5 / 12, 0.5 / 6, 0, 0};
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(w.bias[i].item<double>(), expected[static_cast<std::size_t>(i)], 1e-8) << i;
  }
  update_bias(small(), w, torch::zeros({6}, torch::kInt64));
  EXPECT_NEAR(w.bias[3].item<double>(), 0.5 / 6, 1e-8) << "without tokens nothing changes";
}

TEST(Router, BalanceLossIsTheSumOverGroups) {
  // Two tokens, logits chosen by u = unit vectors: p of token t is softmax(classifier[:, t]).
  const torch::Tensor logits =
      torch::tensor({{3.0, 2.0, 1.0, 0.0, -1.0, -2.0}, {0.0, 0.5, 1.0, 1.5, 2.0, 2.5}}, torch::kFloat64);
  const RouterParameters w{logits.t().contiguous(), torch::zeros({6}, torch::kFloat64)};
  const Routed routed = route(small(), w, torch::eye(2, torch::kFloat64));
  // Token 0 picks 0, 1, 2; token 1 picks 5, 4, 3.
  EXPECT_TRUE(torch::equal(routed.counts, torch::ones({6}, torch::kInt64)));
  const torch::Tensor p = torch::softmax(logits, 1).mean(0);
  const auto at = [&](std::int64_t i) { return p[i].item<double>(); };
  // f of a group of experts: D / (K_e T) * picks = 2 / (2 * 2) * 2 = 1; of identity experts 1 / (1 * 2) * 2
  // = 1.
  EXPECT_NEAR(routed.balance.item<double>(), 0.1 * (at(0) + at(1) + at(2) + at(3) + at(4) + at(5)), 1e-12);

  // Both tokens alike: groups are hit unevenly, 4 picks of the first, 2 of the second, none of identity
  // experts.
  const RouterParameters same{logits[0].unsqueeze(1).expand({6, 2}).contiguous(), w.bias};
  const torch::Tensor q = torch::softmax(logits[0], 0);
  const double first = (q[0] + q[1]).item<double>(), second = (q[2] + q[3]).item<double>();
  EXPECT_NEAR(route(small(), same, torch::eye(2, torch::kFloat64)).balance.item<double>(),
              0.1 * (2.0 * first + 1.0 * second), 1e-12);
}

TEST(Router, BiasDecidesThePicksAndNotTheWeights) {
  const torch::Tensor u = torch::randn({5, 3}, torch::kFloat64);
  RouterShape shape{4, 2, 1, 2.0, 1.0, 0, 0, 1};
  const torch::Tensor classifier = torch::randn({6, 3}, torch::kFloat64).set_requires_grad(true);
  torch::Tensor bias = torch::zeros({6}, torch::kFloat64);
  bias[4] = 10;
  const Routed routed = route(shape, {classifier, bias}, u);
  EXPECT_TRUE(torch::equal(routed.picks.index, torch::full({5, 1}, 4, torch::kInt32)));
  const torch::Tensor expected = torch::softmax(torch::matmul(u, classifier.t()), 1).narrow(1, 4, 1) * 2.0;
  EXPECT_TRUE(torch::allclose(routed.picks.weight, expected, 1e-12, 1e-14));
  EXPECT_TRUE(routed.picks.weight.requires_grad());
}

TEST(Router, LoadIsRelativeToAnEvenShare) {
  const Load load = load_of(small(), torch::tensor({6, 1, 1, 0, 3, 1}, torch::kInt64));
  EXPECT_DOUBLE_EQ(load.identity_share, 1.0 / 3);
  EXPECT_DOUBLE_EQ(load.most, 3);
}

TEST(Router, ImpossibleWishesAreRefused) {
  const config::ModelConfig c = testing::TrainingModel(testing::tiny_config(), 1).lm->config();
  recipe::Routing routing;
  routing.ffn_experts_wanted = 4;
  EXPECT_REFUSED(router_shape(c, routing), ErrorKind::usage, "ffn_experts_wanted");
  routing = {};
  routing.balance_groups = 6;
  EXPECT_REFUSED(router_shape(c, routing), ErrorKind::usage, "balance_groups");
  EXPECT_DOUBLE_EQ(router_shape(c, {}).ffn_wanted, 3.0 * 5 / 8);
}

}  // namespace
}  // namespace nestor::train
