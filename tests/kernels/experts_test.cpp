// Router and mixture by hand-made cases.
#include "kernels/experts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/registry.h"
#include "quant/matrix.h"

namespace nestor::kernels {
namespace {

class Experts : public ::testing::Test {
 protected:
  Team team{2};
  Arena arena;
  Work work;
  Context ctx{select_set("auto", cpu_info()), team, arena, work};
  static constexpr std::int64_t kHidden = 4;

  // Six routes whose logits are the entries of `logits` for the input (1, 0, 0, 0).
  RouterWeights router(const std::vector<float>& logits, std::int64_t top_k) {
    classifier_.assign(logits.size() * kHidden, 0.0F);
    for (std::size_t e = 0; e < logits.size(); ++e) classifier_[e * kHidden] = logits[e];
    bias_.assign(logits.size(), 0.0F);
    return {quant::matrix_view(classifier_.data(), Format::f32, static_cast<std::int64_t>(logits.size()),
                               kHidden),
            bias_.data(), top_k, 6.0F};
  }

  std::vector<float> classifier_;
  std::vector<float> bias_;
  std::vector<float> input_ = {1, 0, 0, 0};
};

TEST_F(Experts, TiesGoToTheLowerId) {
  const auto w = router({0, 1, 1, 1, 0, 1}, 3);
  const Routing r = route(ctx, w, {input_.data(), kHidden}, 1);
  EXPECT_EQ(std::vector(r.expert.begin(), r.expert.end()), (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(r.gap[0], 0.0F);
}

TEST_F(Experts, TheBiasChoosesButDoesNotWeigh) {
  auto w = router({3, 2, 1, 0, -1, -2}, 2);
  bias_[5] = 10;
  const Routing r = route(ctx, w, {input_.data(), kHidden}, 1);
  EXPECT_EQ(std::vector(r.expert.begin(), r.expert.end()), (std::vector<std::int32_t>{5, 0}));
  double sum = 0;
  for (const double logit : {3, 2, 1, 0, -1, -2}) sum += std::exp(logit);
  EXPECT_NEAR(r.weight[0], 6 * std::exp(-2.0) / sum, 1e-6);
  EXPECT_NEAR(r.weight[1], 6 * std::exp(3.0) / sum, 1e-6);
}

TEST_F(Experts, IdentityOnlyRoutingReturnsTheScaledInput) {
  const auto w = router({-9, -9, 2, 1, 0, 0}, 2);  // experts 0 and 1 have weights, the rest are identity
  const std::vector<float> zeros(64, 0.0F);
  const FeedForwardWeights ff{quant::matrix_view(zeros.data(), Format::f32, 3, kHidden),
                              quant::matrix_view(zeros.data(), Format::f32, 3, kHidden),
                              quant::matrix_view(zeros.data(), Format::f32, kHidden, 3)};
  const std::vector<FeedForwardWeights> experts = {ff, ff};
  const Routing r = route(ctx, w, {input_.data(), kHidden}, 1);
  std::vector<float> y(kHidden, 7.0F);
  mix_experts(ctx, experts, r, {{input_.data(), kHidden}, 1}, kHidden, {y.data(), kHidden});
  const double sum = 2 * std::exp(-9.0) + std::exp(2.0) + std::exp(1.0) + 2;
  EXPECT_NEAR(y[0], 6 * (std::exp(2.0) + std::exp(1.0)) / sum, 1e-5);
  EXPECT_EQ(y[1], 0.0F);
}

// The arena moves rows apart that would lie whole pages from each other: rows stay rows.
TEST_F(Experts, WideRowsTogetherAreThoseAlone) {
  constexpr std::int64_t kWide = 2048, kInner = 8, kRows = 5, kExperts = 3, kTop = 2;
  EXPECT_GT(take_rows(arena, 2, kWide).stride, kWide);
  const auto numbers = [](std::int64_t count, float step) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(step * static_cast<float>(i + 1));
    return values;
  };
  std::vector<std::vector<float>> matrices;
  std::vector<FeedForwardWeights> experts;
  for (int e = 0; e < kExperts; ++e) {
    for (int m = 0; m < 3; ++m)
      matrices.push_back(numbers(kInner * kWide, 0.31F + 0.17F * static_cast<float>(3 * e + m)));
    const auto view = [&](std::size_t back, std::int64_t rows, std::int64_t cols) {
      return quant::matrix_view(matrices[matrices.size() - back].data(), Format::f32, rows, cols);
    };
    experts.push_back({view(3, kInner, kWide), view(2, kInner, kWide), view(1, kWide, kInner)});
  }
  auto x = numbers(kRows * kWide, 0.7F);
  const std::vector<std::int32_t> picked = {0, 1, 2, 3, 1, 0, 2, 1, 0, 2};
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Routing all{kTop, picked, weights, {}};
  std::vector<float> together(x.size());
  mix_experts(ctx, experts, all, {{x.data(), kWide}, kRows}, kWide, {together.data(), kWide});
  for (std::int64_t t = 0; t < kRows; ++t) {
    const auto own = [&](auto of) { return of.subspan(static_cast<std::size_t>(t * kTop), kTop); };
    const Routing one{kTop, own(all.expert), own(all.weight), {}};
    std::vector<float> alone(kWide);
    mix_experts(ctx, experts, one, {{x.data() + t * kWide, kWide}, 1}, kWide, {alone.data(), kWide});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + t * kWide)) << t;
  }
}

TEST_F(Experts, AllTakenLeavesNoGap) {
  const auto w = router({1, 2, 3}, 3);
  EXPECT_EQ(route(ctx, w, {input_.data(), kHidden}, 1).gap[0], std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace nestor::kernels
