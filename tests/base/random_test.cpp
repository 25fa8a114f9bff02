#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nestor {
namespace {

// Known answers published with the Random123 library (kat_vectors, philox4x32 with 10 rounds).
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox(0, 0, 0), (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ULL, ~0ULL, ~0ULL),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822ULL, 0x85a308d3243f6a88ULL, 0x0370734413198a2eULL),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, PairsAreTwoIndependentValues) {
  constexpr int n = 100'000;  // standard errors: 0.0009 of a mean, 0.00026 of the product's
  double sums[2] = {}, product = 0;
  for (int i = 0; i < n; ++i) {
    const auto pair = open_uniform_pair(7, i, 0);
    for (int k = 0; k < 2; ++k) {
      ASSERT_GT(pair[k], 0.0);
      ASSERT_LT(pair[k], 1.0);
      sums[k] += pair[k];
    }
    product += (pair[0] - 0.5) * (pair[1] - 0.5);
  }
  EXPECT_NEAR(sums[0] / n, 0.5, 0.004);
  EXPECT_NEAR(sums[1] / n, 0.5, 0.004);
  EXPECT_NEAR(product / n, 0.0, 0.0012);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  constexpr int n =
      200'000;  // standard errors: 0.0006 of the mean, 0.0022 of the normal's mean, 0.0032 of its variance
  double sum = 0, normal_sum = 0, normal_square = 0;
  for (int i = 0; i < n; ++i) {
    const double u = uniform(7, i, 0);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    for (const float x : normal_pair(7, i, 1)) {
      normal_sum += x;
      normal_square += x * x;
    }
  }
  EXPECT_NEAR(sum / n, 0.5, 0.004);
  EXPECT_NEAR(normal_sum / (2 * n), 0.0, 0.01);
  EXPECT_NEAR(normal_square / (2 * n), 1.0, 0.015);
}

}  // namespace
}  // namespace nestor
