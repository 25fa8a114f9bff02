#include "train/optimizer/gradient_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nestor::train {
namespace {

TEST(GradientNorm, IsThatOfAllTogether) {
  GradientNorm norm;
  norm.add("a", squares_of(torch::full({10, 10}, 0.3F)));
  norm.add("none", squares_of(torch::Tensor()));
  norm.add("b", squares_of(torch::full({4}, -2.0F)), 3);
  const double expected = std::sqrt(100 * std::pow(static_cast<double>(0.3F), 2) + 4 * 36);
  EXPECT_NEAR(norm.norm(), expected, expected * 0x1p-45);  // double; 104 terms
  EXPECT_FALSE(norm.not_finite());
  EXPECT_DOUBLE_EQ(norm.clip_scale(1), 1 / norm.norm());
  EXPECT_EQ(norm.clip_scale(100), 1);
  EXPECT_EQ(norm.clip_scale(0), 1);
}

// The order of the sum depends on the length alone.
TEST(GradientNorm, IsTheSameBitsForAnyNumberOfThreads) {
  const torch::Tensor gradient = torch::randn({300001});
  const auto norm_with = [&](int threads) {
    at::set_num_threads(threads);
    GradientNorm norm;
    norm.add("a", squares_of(gradient));
    return norm.norm();
  };
  const int before = at::get_num_threads();
  const double alone = norm_with(1);
  EXPECT_EQ(alone, norm_with(2));
  EXPECT_EQ(alone, norm_with(3));
  at::set_num_threads(before);
  EXPECT_NEAR(alone, gradient.to(torch::kFloat64).norm().item<double>(), alone * 1e-12);
}

TEST(GradientNorm, NamesWhatIsNotFinite) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    GradientNorm norm;
    norm.add("good", squares_of(torch::full({7}, std::numeric_limits<float>::max())));
    EXPECT_TRUE(std::isfinite(norm.norm()));
    torch::Tensor gradient = torch::zeros({70000});
    gradient[69999] = bad;
    norm.add("bad", squares_of(gradient));
    norm.add("worse", squares_of(gradient));
    EXPECT_FALSE(std::isfinite(norm.norm()));
    ASSERT_TRUE(norm.not_finite());
    EXPECT_EQ(*norm.not_finite(), "bad");
  }
}

}  // namespace
}  // namespace nestor::train
