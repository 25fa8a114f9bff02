#include "decode/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "support/refusal.h"

namespace nestor::decode {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> logs(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

/// Float logits carry a relative error of 6e-8, so hand-worked probabilities agree to about 1e-6.
void expect_distribution(const std::vector<float>& logits, const SamplingParams& params,
                         const std::vector<Weighted>& expected, const Context& context = {}) {
  Distribution distribution;
  const auto found = distribution.of(logits, params, context);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].id, expected[i].id);
    EXPECT_NEAR(found[i].weight, expected[i].weight, 1e-6);
  }
}

std::vector<double> adjusted(const std::vector<float>& logits, const SamplingParams& params,
                             const Context& context) {
  std::vector<double> out;
  adjust(logits, params, context, out);
  return out;
}

const std::vector<float> four = logs({0.5, 0.3, 0.15, 0.05});

TEST(Adjust, PenaltiesByHand) {
  const std::vector<float> logits = {2.0F, -1.0F, 0.5F, 3.0F, 0.0F};
  const std::vector<TokenId> prompt = {0, 1, 0};
  const std::vector<TokenId> generated = {2, 1, 2, 2};
  const Context context{.prompt = prompt, .generated = generated};
  using Values = std::vector<double>;
  EXPECT_EQ(adjusted(logits, {}, context), (Values{2, -1, 0.5, 3, 0}));
  // Once each, over prompt and generated; positive divided, negative multiplied.
  EXPECT_EQ(adjusted(logits, {.repetition_penalty = 2}, context), (Values{1, -2, 0.25, 3, 0}));
  EXPECT_EQ(adjusted(logits, {.repetition_penalty = 0.5}, context), (Values{4, -0.5, 1, 3, 0}));
  // Generated tokens only.
  EXPECT_EQ(adjusted(logits, {.presence_penalty = 1.5}, context), (Values{2, -2.5, -1, 3, 0}));
  EXPECT_EQ(adjusted(logits, {.frequency_penalty = 0.5}, context), (Values{2, -1.5, -1, 3, 0}));
  EXPECT_EQ(adjusted(logits, {.logit_bias = {{4, 7.0F}, {0, -1.5F}}}, context), (Values{0.5, -1, 0.5, 3, 7}));
  // Bias first: 0.5 - 1 = -0.5 is negative, hence multiplied; then 3 occurrences, then presence.
  EXPECT_EQ(adjusted(logits,
                     {.repetition_penalty = 2,
                      .presence_penalty = 1,
                      .frequency_penalty = 0.25,
                      .logit_bias = {{2, -1.0F}}},
                     context),
            (Values{1, -3.25, -2.75, 3, 0}));
}

TEST(Adjust, ForbiddenBeatsEverything) {
  const std::vector<TokenId> forbidden = {1, 1};
  const auto out = adjusted({0.0F, 0.0F}, {.logit_bias = {{1, 100.0F}}}, {.forbidden = forbidden});
  EXPECT_EQ(out, (std::vector<double>{0, -std::numeric_limits<double>::infinity()}));
}

TEST(Adjust, OnlyWhatIsAllowedIsLeft) {
  std::vector<float> logits(70, 1.0F);
  const std::vector<std::uint64_t> allowed = {std::uint64_t{1} << 3, std::uint64_t{1} << 5};  // 3 and 69
  const auto out = adjusted(logits, {.logit_bias = {{4, 100.0F}}}, {.allowed = allowed});
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i], i == 3 || i == 69 ? 1.0 : -std::numeric_limits<double>::infinity()) << i;
  }
  EXPECT_REFUSED(adjusted(std::vector<float>(64, 1.0F), {}, {.allowed = allowed}), ErrorKind::internal,
                 "a mask of 2 words cannot be of 64 tokens");
}

TEST(Adjust, ExtremePenaltiesStayComparable) {
  const std::vector<TokenId> prompt = {0};
  const auto out = adjusted({3e38F, -3e38F}, {.repetition_penalty = 1e-300}, {.prompt = prompt});
  EXPECT_TRUE(std::isfinite(out[0]));
  expect_distribution({3e38F, 1.0F, -3e38F}, {.repetition_penalty = 1e-300}, {{0, 1}}, {.prompt = prompt});
}

TEST(Adjust, BadLogitsAndIdsAreErrors) {
  EXPECT_REFUSED(adjusted({0.0F, nan}, {}, {}), ErrorKind::internal, "token 1 is nan");
  EXPECT_REFUSED(adjusted({infinity, 0.0F}, {}, {}), ErrorKind::internal, "token 0 is inf");
  EXPECT_REFUSED(adjusted({0.0F, 0.0F, -infinity}, {}, {}), ErrorKind::internal, "token 2 is -inf");
  const std::vector<TokenId> outside = {2}, negative = {-1};
  EXPECT_REFUSED(adjusted({0.0F, 0.0F}, {}, {.prompt = outside}), ErrorKind::bad_input, "token 2");
  EXPECT_REFUSED(adjusted({0.0F, 0.0F}, {}, {.generated = negative}), ErrorKind::bad_input, "token -1");
  EXPECT_REFUSED(adjusted({0.0F, 0.0F}, {}, {.forbidden = outside}), ErrorKind::bad_input, "token 2");
}

TEST(Distribution, TemperatureByHand) {
  expect_distribution(four, {}, {{0, 0.5}, {1, 0.3}, {2, 0.15}, {3, 0.05}});
  // T = 1/2 squares the probabilities: 0.25, 0.09, 0.0225, 0.0025 of 0.365.
  expect_distribution(four, {.temperature = 0.5},
                      {{0, 0.25 / 0.365}, {1, 0.09 / 0.365}, {2, 0.0225 / 0.365}, {3, 0.0025 / 0.365}});
  expect_distribution(four, {.temperature = 1e12}, {{0, 0.25}, {1, 0.25}, {2, 0.25}, {3, 0.25}});
  expect_distribution(four, {.temperature = 0}, {{0, 1}});
}

TEST(Distribution, FiltersByHand) {
  const std::vector<Weighted> all = {{0, 0.5}, {1, 0.3}, {2, 0.15}, {3, 0.05}};
  const std::vector<Weighted> two = {{0, 0.625}, {1, 0.375}};
  const std::vector<Weighted> three = {{0, 0.5 / 0.95}, {1, 0.3 / 0.95}, {2, 0.15 / 0.95}};
  for (const std::int64_t off : {-1, 0, 4, 5, 1'000'000}) expect_distribution(four, {.top_k = off}, all);
  expect_distribution(four, {.top_k = 1}, {{0, 1}});
  expect_distribution(four, {.top_k = 2}, two);
  expect_distribution(four, {.top_p = 1e-300}, {{0, 1}});
  expect_distribution(four, {.top_p = 0.49}, {{0, 1}});
  expect_distribution(four, {.top_p = 0.51}, two);  // the token that crosses top_p belongs to the set
  expect_distribution(four, {.top_p = 0.79}, two);
  expect_distribution(four, {.top_p = 0.81}, three);
  expect_distribution(four, {.top_p = 0.999999}, all);
  expect_distribution(four, {.min_p = 0.05}, all);
  expect_distribution(four, {.min_p = 0.2}, three);
  expect_distribution(four, {.min_p = 0.4}, two);
  expect_distribution(four, {.min_p = 1}, {{0, 1}});
}

TEST(Distribution, TheOrderOfTheSteps) {
  const std::vector<Weighted> two = {{0, 0.625}, {1, 0.375}};
  const std::vector<Weighted> three = {{0, 0.5 / 0.95}, {1, 0.3 / 0.95}, {2, 0.15 / 0.95}};
  // top_p sees what top_k left: 0.8 / 0.95 = 0.842 reaches 0.84, where 0.8 would not.
  expect_distribution(four, {.top_k = 3, .top_p = 0.84}, two);
  // min_p comes after top_p: the other way round this would be two tokens, for the same reason.
  expect_distribution(four, {.top_p = 0.84, .min_p = 0.25}, three);
  // Temperature comes before both: 0.34 / 0.365 = 0.93 reaches 0.9.
  expect_distribution(four, {.temperature = 0.5, .top_p = 0.9}, {{0, 0.25 / 0.34}, {1, 0.09 / 0.34}});
  expect_distribution(four, {.temperature = 0.5, .min_p = 0.3}, {{0, 0.25 / 0.34}, {1, 0.09 / 0.34}});
  // Bias and penalties come before all: 0.05 * e^3 = 1.004 is the best.
  expect_distribution(four, {.top_k = 1, .logit_bias = {{3, 3.0F}}}, {{3, 1}});
}

TEST(Distribution, LowerIdsWinTies) {
  const std::vector<float> equal(5, 1.5F);
  expect_distribution(equal, {.temperature = 0}, {{0, 1}});
  expect_distribution(equal, {.top_k = 2}, {{0, 0.5}, {1, 0.5}});
  expect_distribution({1, 2, 3, 2, 2}, {.temperature = 1e9, .top_k = 3},
                      {{1, 1. / 3}, {2, 1. / 3}, {3, 1. / 3}});
  expect_distribution({1, 1, 1, 1}, {.top_p = 0.5}, {{0, 0.5}, {1, 0.5}});
  expect_distribution(equal, {.min_p = 1}, {{0, 0.2}, {1, 0.2}, {2, 0.2}, {3, 0.2}, {4, 0.2}});
}

TEST(Distribution, Extremes) {
  for (const double t : {1e-6, 1e-300, 4.9e-324}) {
    expect_distribution({3.0e38F, -3.0e38F, 2.9e38F}, {.temperature = t}, {{0, 1}});
    expect_distribution({1, 2, 2, 1}, {.temperature = t}, {{1, 0.5}, {2, 0.5}});
    expect_distribution({1, 2, 2, 1}, {.temperature = t, .top_k = 3, .top_p = 0.9, .min_p = 0.1},
                        {{1, 0.5}, {2, 0.5}});
  }
  expect_distribution({3.4e38F, 3.4e38F}, {}, {{0, 0.5}, {1, 0.5}});
  expect_distribution({-3.4e38F, -3.4e38F}, {.temperature = 1e-6}, {{0, 0.5}, {1, 0.5}});
  expect_distribution({-3e38F, 0, -3e38F, 0}, {}, {{1, 0.5}, {3, 0.5}});
  expect_distribution({-3e38F, 0, -3e38F, 0}, {.top_k = 3, .top_p = 0.99999}, {{1, 0.5}, {3, 0.5}});
  expect_distribution({-3e38F, 0}, {.temperature = 0, .logit_bias = {{0, 100.0F}}}, {{1, 1}});
}

TEST(Distribution, NothingLeftIsAnError) {
  Distribution distribution;
  const std::vector<float> one = {0.0F};
  const std::vector<TokenId> forbidden = {0};
  for (const double t : {0.0, 1.0}) {
    EXPECT_REFUSED(distribution.of({}, {.temperature = t}, {}), ErrorKind::internal, "all 0 logits");
    EXPECT_REFUSED(distribution.of(one, {.temperature = t}, {.forbidden = forbidden}), ErrorKind::usage,
                   "1 forbidden");
  }
}

/// The definition, with a full sort at every step and nothing in place.
std::vector<Weighted> by_definition(const std::vector<float>& logits, const SamplingParams& params) {
  std::vector<Weighted> list;
  const double largest = *std::max_element(logits.begin(), logits.end());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    list.push_back({static_cast<TokenId>(i), std::exp((logits[i] - largest) / params.temperature)});
  }
  std::stable_sort(list.begin(), list.end(), [](auto a, auto b) { return a.weight > b.weight; });
  const auto renormalise = [&] {
    const double total =
        std::accumulate(list.begin(), list.end(), 0.0, [](double sum, auto w) { return sum + w.weight; });
    for (Weighted& w : list) w.weight /= total;
  };
  if (params.top_k > 0) list.resize(std::min(list.size(), static_cast<std::size_t>(params.top_k)));
  renormalise();
  double mass = 0;
  std::size_t n = 0;
  while (n < list.size() && (params.top_p == 1 || mass < params.top_p)) mass += list[n++].weight;
  list.resize(n);
  std::erase_if(list, [best = list[0].weight, &params](auto w) { return w.weight < params.min_p * best; });
  renormalise();
  std::sort(list.begin(), list.end(), [](auto a, auto b) { return a.id < b.id; });
  return list;
}

std::vector<float> random_logits(std::size_t size, std::uint64_t key, double step) {
  std::vector<float> logits(size);
  for (std::size_t i = 0; i < size; ++i) {
    const float z = 3 * normal_pair(key, i, 0)[0];
    logits[i] = step == 0 ? z : static_cast<float>(std::round(z / step) * step);  // a step makes ties
  }
  return logits;
}

TEST(Distribution, EqualsTheFullSortDefinition) {
  Distribution distribution;  // one for all, so that scratch left over from another call would show
  std::uint64_t key = 0;
  int cases = 0;
  for (const std::size_t size : {1, 2, 3, 7, 17, 1000, 4097}) {
    for (const double step : {0.0, 0.5}) {
      const auto logits = random_logits(size, ++key, step);
      for (const double temperature : {0.3, 1.0, 3.0}) {
        for (const std::int64_t k : {0, 1, 2, 5, 16, 300, 5000}) {
          for (const double p : {1.0, 0.97, 0.71, 0.23, 1e-5}) {
            for (const double m : {0.0, 0.013, 0.37}) {
              const SamplingParams params{.temperature = temperature, .top_k = k, .top_p = p, .min_p = m};
              const auto expected = by_definition(logits, params);
              const auto found = distribution.of(logits, params, {});
              ASSERT_EQ(found.size(), expected.size())
                  << "V " << size << " T " << temperature << " k " << k << " p " << p << " min_p " << m;
              for (std::size_t i = 0; i < found.size(); ++i) {
                ASSERT_EQ(found[i].id, expected[i].id);
                // Sums of at most 4097 doubles: relative error below 4097 * 1.1e-16 * 3 roundings.
                ASSERT_NEAR(found[i].weight, expected[i].weight, 2e-12 * expected[i].weight);
              }
              ++cases;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(cases, 7 * 2 * 3 * 7 * 5 * 3);
}

/// The definition: a Gumbel variable for each token, and the largest sum.
TokenId plain_draw(const std::vector<Weighted>& distribution, const Draw& draw) {
  double best = -std::numeric_limits<double>::infinity();
  TokenId drawn = -1;
  for (const auto& [id, p] : distribution) {
    const auto token = static_cast<std::uint64_t>(id);
    const double u = open_uniform_pair(draw.seed, draw.position << 32 | token / 2, draw.sequence)[token % 2];
    const double sum = std::log(p) - std::log(-std::log(u));
    if (sum > best) {
      best = sum;
      drawn = id;
    }
  }
  return drawn;
}

TEST(Distribution, ADrawIsTheArgmaxOfLogProbabilityAndGumbelNoise) {
  for (std::uint64_t i = 0; i < 3000; ++i) {
    std::vector<Weighted> d;
    TokenId id = 0;
    double total = 0;
    for (std::uint64_t n = 0; n < 1 + i % 90; ++n) {
      id += 1 + static_cast<TokenId>(3 * uniform(i, n, 0));
      d.push_back({id, std::pow(uniform(i, n, 1) + 1e-9, 1.0 + static_cast<double>(i % 7))});
      total += d.back().weight;
    }
    for (Weighted& w : d) w.weight /= total;
    const Draw draw{.seed = i, .sequence = i % 5, .position = 17 * i};
    EXPECT_EQ(draw_from(d, draw), plain_draw(d, draw)) << i;
  }
}

// Of two distributions that differ by a distance, the same noise draws the same token at least with
// probability (1 - distance) / (1 + distance), whatever stands between them; independent noise would do so
// for 40 % here.
TEST(Distribution, SimilarDistributionsDrawTheSameToken) {
  const std::vector<Weighted> p = {{1, 0.5}, {4, 0.3}, {6, 0.15}, {9, 0.05}};
  const std::vector<Weighted> q = {{1, 0.4}, {4, 0.35}, {5, 0.1}, {6, 0.15}};  // distance 0.15
  int same = 0;
  constexpr int n = 20'000;
  for (int i = 0; i < n; ++i) {
    const Draw draw{.seed = 3, .position = static_cast<std::uint64_t>(i)};
    if (draw_from(p, draw) == draw_from(q, draw)) ++same;
  }
  EXPECT_GT(same, n * 0.85 / 1.15 - 4 * std::sqrt(n * 0.74 * 0.26));
}

}  // namespace
}  // namespace nestor::decode
