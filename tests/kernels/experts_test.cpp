// Router and mixture by hand-made cases, in every kernel set.
#include "kernels/experts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/registry.h"
#include "quant/matrix.h"
#include "support/kernel_sets.h"

namespace nestor::kernels {
namespace {

class Experts : public ::testing::TestWithParam<std::string> {
 protected:
  Team team{2};
  Arena arena;
  Work work;
  Context ctx{select_set(GetParam(), cpu_info()), team, arena, work};
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

TEST_P(Experts, TiesGoToTheLowerId) {
  const auto w = router({0, 1, 1, 1, 0, 1}, 3);
  const Routing r = route(ctx, w, {input_.data(), kHidden}, 1);
  EXPECT_EQ(std::vector(r.expert.begin(), r.expert.end()), (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(r.gap[0], 0.0F);
}

TEST_P(Experts, TheBiasChoosesButDoesNotWeigh) {
  auto w = router({3, 2, 1, 0, -1, -2}, 2);
  bias_[5] = 10;
  const Routing r = route(ctx, w, {input_.data(), kHidden}, 1);
  EXPECT_EQ(std::vector(r.expert.begin(), r.expert.end()), (std::vector<std::int32_t>{5, 0}));
  double sum = 0;
  for (const double logit : {3, 2, 1, 0, -1, -2}) sum += std::exp(logit);
  EXPECT_NEAR(r.weight[0], 6 * std::exp(-2.0) / sum, 1e-6);
  EXPECT_NEAR(r.weight[1], 6 * std::exp(3.0) / sum, 1e-6);
}

TEST_P(Experts, IdentityOnlyRoutingReturnsTheScaledInput) {
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
TEST_P(Experts, WideRowsTogetherAreThoseAlone) {
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

TEST_P(Experts, AllTakenLeavesNoGap) {
  const auto w = router({1, 2, 3}, 3);
  EXPECT_EQ(route(ctx, w, {input_.data(), kHidden}, 1).gap[0], std::numeric_limits<float>::infinity());
}

// Small whole numbers, and gates above 30, where silu(g) = g to the last bit of a float: all sums are exact
// in whatever order, and equal those of plain loops.
struct Mixture {
  static constexpr std::int64_t kHidden = 5, kInner = 3, kTop = 3, kExperts = 6;  // and two identity experts

  explicit Mixture(std::int64_t row_count) : rows(row_count) {
    for (std::int64_t i = 0; i < rows * kHidden; ++i) x.push_back(static_cast<float>(1 + i * 7 % 4));
    for (std::int64_t i = 0; i < kExperts * kInner * kHidden; ++i) {
      gate.push_back(static_cast<float>(7 + i % 4));
      up.push_back(static_cast<float>(i * 3 % 7 - 3));
      down.push_back(static_cast<float>(i * 5 % 11 - 5));
    }
    // Every row picks expert 4; nobody picks 2; the others are shared unevenly.
    for (std::int64_t t = 0; t < rows; ++t) {
      const auto other = static_cast<std::int32_t>(t % 5 == 0 ? 3 : t % 2);
      expert.insert(expert.end(), {t % 3 == 0 ? 7 : 5, 4, other});
      for (int i = 0; i < kTop; ++i) weight.push_back(static_cast<float>(1 + (t + i) % 3));
    }
    for (std::int64_t e = 0; e < kExperts; ++e) {
      const auto matrix = [&](const std::vector<float>& all, std::int64_t r, std::int64_t c) {
        return quant::matrix_view(all.data() + e * kInner * kHidden, Format::f32, r, c);
      };
      experts.push_back(
          {matrix(gate, kInner, kHidden), matrix(up, kInner, kHidden), matrix(down, kHidden, kInner)});
    }
  }

  std::vector<float> mixed(const Context& ctx, std::int64_t picks_at_once) {
    std::vector<float> y(x.size(), 9.0F);
    mix_experts(ctx, experts, {kTop, expert, weight, {}}, {{x.data(), kHidden}, rows}, kHidden,
                {y.data(), kHidden}, picks_at_once);
    return y;
  }

  // [kHidden] of expert e for the input `in`.
  std::vector<float> one_expert(std::int64_t e, const float* in) const {
    std::vector<float> out(in, in + kHidden);
    if (e >= kExperts) return out;
    std::fill(out.begin(), out.end(), 0.0F);
    const std::int64_t first = e * kInner * kHidden;
    for (std::int64_t j = 0; j < kInner; ++j) {
      float g = 0, u = 0;
      for (std::int64_t c = 0; c < kHidden; ++c) {
        g += gate.data()[first + j * kHidden + c] * in[c];
        u += up.data()[first + j * kHidden + c] * in[c];
      }
      for (std::int64_t k = 0; k < kHidden; ++k) out.data()[k] += down.data()[first + k * kInner + j] * g * u;
    }
    return out;
  }

  std::vector<float> by_plain_loops() const {
    std::vector<float> y(x.size());
    for (std::int64_t i = 0; i < rows * kTop; ++i) {
      const std::int64_t row = i / kTop * kHidden;
      const auto out = one_expert(expert.data()[i], x.data() + row);
      for (std::int64_t k = 0; k < kHidden; ++k) y.data()[row + k] += weight.data()[i] * out.data()[k];
    }
    return y;
  }

  std::int64_t rows;
  std::vector<float> x, gate, up, down, weight;
  std::vector<std::int32_t> expert;
  std::vector<FeedForwardWeights> experts;
};

TEST_P(Experts, BatchesOfPicksDoNotShowInTheResult) {
  for (const std::int64_t rows : {1, 2, 7, 16, 17, 33}) {
    Mixture mixture(rows);
    const auto expected = mixture.by_plain_loops();
    for (const std::int64_t most : {1, 2, 3, 4, 7, 15, 16, 17, 31, 32, 33, 50, 1000}) {
      EXPECT_EQ(mixture.mixed(ctx, most), expected) << rows << " rows, " << most << " picks at once";
    }
  }
}

// The experts below 4 fill a batch with one pick for each row, expert 4 brings as many.
TEST_P(Experts, APromptHasMorePicksThanABatch) {
  Mixture mixture(kPicksAtOnce / 2 + 1);
  EXPECT_EQ(mixture.mixed(ctx, kPicksAtOnce), mixture.by_plain_loops());
}

INSTANTIATE_TEST_SUITE_P(Sets, Experts, ::testing::ValuesIn(testing::kernel_sets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::kernels
