// Rotary frequencies and YaRN's factors against numbers computed in double precision, and by hand.
#include "layers/rotary.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "config/parse_config.h"
#include "convert/presets.h"
#include "layers/attention.h"

namespace nestor::layers {
namespace {

// Float32 keeps 24 bits; the numbers below have nine digits.
constexpr double kRelative = 2e-7;

config::ModelConfig lite() { return config::parse_config(convert::preset("lite"), "lite"); }

TEST(Rotary, LiteHasItsFrequencies) {
  constexpr std::array kExpected = {
      1.00000000e+00, 6.17528758e-01, 3.81341767e-01, 2.35489508e-01, 1.45421543e-01, 8.98019851e-02,
      5.54553083e-02, 3.42452477e-02, 2.11474253e-02, 1.30591433e-02, 8.06439652e-03, 4.41974713e-03,
      2.38335070e-03, 1.25814101e-03, 6.45005344e-04, 3.16836982e-04, 1.45344419e-04, 5.86855420e-05,
      1.70541223e-05, 1.05314110e-05, 6.50344913e-06, 4.01606686e-06, 2.48003678e-06, 1.53149403e-06,
      9.45741609e-07, 5.84022641e-07, 3.60650776e-07, 2.22712226e-07, 1.37531204e-07, 8.49294738e-08,
      5.24463925e-08, 3.23871556e-08};
  const Rotary rotary = rotary_of(lite());
  ASSERT_EQ(rotary.inverse_frequencies.size(), kExpected.size());
  for (std::size_t p = 0; p < kExpected.size(); ++p) {
    EXPECT_NEAR(rotary.inverse_frequencies[p], kExpected[p], kExpected[p] * kRelative) << p;
  }
  EXPECT_EQ(rotary.amplitude, 1.0F);
}

TEST(Rotary, LiteHasItsSoftmaxScale) {
  const Rotary rotary = rotary_of(lite());
  const AttentionShape shape = attention_shape(lite(), rotary);
  // q_factor is sqrt(H / q_lora_rank) = sqrt(2) times the softmax scale.
  EXPECT_NEAR(shape.q_factor / std::sqrt(2.0), 0.1092300521, 0.1092300521 * kRelative);
  EXPECT_NEAR(shape.kv_factor, std::sqrt(6.0), 3 * kRelative);
}

TEST(Rotary, PlainPositionsNeedNoFactors) {
  config::ModelConfig c = lite();
  c.yarn.reset();
  const Rotary rotary = rotary_of(c);
  EXPECT_EQ(rotary.amplitude, 1.0F);
  EXPECT_EQ(rotary.score_factor, 1.0F);
  for (std::size_t p = 0; p < 32; ++p) {
    const double expected = std::pow(5e6, -static_cast<double>(p) / 32);
    EXPECT_NEAR(rotary.inverse_frequencies[p], expected, expected * kRelative) << p;
  }
}

// What transformers 5.0.0 does with absent and zero keys; t(m) = 0.1 m ln 10 + 1.
TEST(Rotary, AbsentAndZeroMscaleKeys) {
  const auto t = [](double m) { return 0.1 * m * std::log(10.0) + 1; };
  using Number = std::optional<double>;
  struct Case {
    Number mscale, all_dim, attention_factor;
    double amplitude, score;
  };
  const std::vector<Case> cases = {
      {{}, {}, {}, t(1), 1},
      {1.0, {}, {}, t(1), 1},
      {0.5, {}, {}, t(1), 1},  // one key alone does not count
      {{}, 0.5, {}, t(1), t(0.5) * t(0.5)},
      {0.0, 0.5, {}, t(1), t(0.5) * t(0.5)},
      {0.5, 0.0, {}, t(1), 1},
      {0.0, 0.0, {}, t(1), 1},
      {0.5, 2.0, {}, t(0.5) / t(2), t(2) * t(2)},
      {{}, {}, 0.7, 0.7, 1},
      {0.5, 2.0, 0.7, 0.7, t(2) * t(2)},
      {0.5, 2.0, 0.0, 0.0, t(2) * t(2)},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    config::ModelConfig c = lite();
    c.yarn->mscale = cases[i].mscale;
    c.yarn->mscale_all_dim = cases[i].all_dim;
    c.yarn->attention_factor = cases[i].attention_factor;
    const Rotary rotary = rotary_of(c);
    EXPECT_NEAR(rotary.amplitude, cases[i].amplitude, kRelative * 2) << i;
    EXPECT_NEAR(rotary.score_factor, cases[i].score, kRelative * 2) << i;
  }
}

TEST(Rotary, WithoutStretchingThereIsNoTemperature) {
  for (const double factor : {1.0, 0.5}) {
    config::ModelConfig c = lite();
    c.yarn->factor = factor;
    c.yarn->mscale.reset();
    EXPECT_EQ(rotary_of(c).amplitude, 1.0F);
    EXPECT_EQ(rotary_of(c).score_factor, 1.0F);
  }
}

TEST(Rotary, ACorrectionRangeOfOnePointIsAStep) {
  // Both betas fall below the first pair: low = high = 0, so pair 0 stays and all others are divided by 10.
  config::ModelConfig c = lite();
  c.yarn->original_max_position_embeddings = 1;
  c.yarn->beta_slow = 1;
  const Rotary rotary = rotary_of(c);
  c.yarn.reset();
  const Rotary plain = rotary_of(c);
  const double corr = 64 * std::log(1 / (2 * M_PI)) / (2 * std::log(5e6));
  ASSERT_EQ(std::ceil(corr), -3);  // high is not clamped from below, as in transformers: high < low here
  // ramp = clamp((p - 0) / (-3 - 0), 0, 1) = 0 for every pair: nothing is stretched.
  EXPECT_EQ(rotary.inverse_frequencies, plain.inverse_frequencies);

  config::ModelConfig step = lite();
  step.yarn->beta_fast = step.yarn->beta_slow = 32768 / (2 * M_PI * std::exp(2 * std::log(5e6) * 5 / 64));
  // corr is 5 up to rounding: low and high are each 4, 5 or 6, so pairs 0..4 stay and pairs from 6 on are
  // divided by 10.
  const Rotary stepped = rotary_of(step);
  for (std::size_t p = 0; p < 32; ++p) {
    if (p == 5) continue;
    const double expected = plain.inverse_frequencies[p] / (p < 5 ? 1.0 : 10.0);
    EXPECT_NEAR(stepped.inverse_frequencies[p], expected, expected * kRelative) << p;
  }
}

TEST(Rotary, PairsOfNeighboursTurnByPositionTimesFrequency) {
  Rotary rotary;
  rotary.inverse_frequencies = {1.0F, 0.25F};
  rotary.amplitude = 2;
  const std::vector<std::int64_t> positions = {0, 3};
  kernels::Arena arena;
  const RotaryAngles angles(arena, rotary, positions);
  std::array<float, 4> x = {1, 0, 0, 1};
  rotate(angles, 0, x.data());
  EXPECT_EQ(x, (std::array<float, 4>{2, 0, 0, 2}));  // position 0 turns nothing; the amplitude stays
  x = {1, 0, 0, 1};
  rotate(angles, 1, x.data());
  EXPECT_NEAR(x[0], 2 * std::cos(3.0), 1e-6);
  EXPECT_NEAR(x[1], 2 * std::sin(3.0), 1e-6);
  EXPECT_NEAR(x[2], -2 * std::sin(0.75), 1e-6);
  EXPECT_NEAR(x[3], 2 * std::cos(0.75), 1e-6);
}

}  // namespace
}  // namespace nestor::layers
