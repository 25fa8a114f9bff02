// Stochastic rounding to bfloat16, seen from outside: the distribution of what a table holds after a step.
#include <gtest/gtest.h>

#include <cmath>

#include "table_fixture.h"

namespace nestor::train {
namespace {

// A table of ones whose every element is to go down by exactly `rate`: without first moments and with equal
// gradients Adam's step is the learning rate.
TableOptions ones_options(std::uint64_t seed) {
  TableOptions options = table_options(1024, 32, Optimizer::Kind::row_adam, Optimizer::Numbers::bf16);
  options.optimizer.beta1 = 0;
  options.seed = seed;
  return options;
}

std::unique_ptr<RowTable> ones(std::uint64_t seed) {
  auto table = make_row_table(ones_options(seed));
  table->assign(0, std::vector<float>(1024 * 32, 1.0F));
  return table;
}

void go_down(RowTable& table, std::int64_t step, double rate) {
  std::vector<std::int64_t> rows(1024);
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  table.update(rows, std::vector<float>(1024 * 32, 1.0F), {rate, step, 1});
}

constexpr double kCount = 1024.0 * 32;
// Below 1 neighbours are 2^-8 apart.
constexpr double kUlp = 0x1p-8;

// One step down by a quarter of an ulp: a quarter of the elements goes down, with the deviation of a binomial
// distribution; five of them is once in two million (the draw is fixed by the seed, so it passes always or
// never). The step itself is wrong by at most 2^-21 of itself (rate, root, quotient in float32), 2^-6
// deviations of the count.
TEST(RowRounding, FollowsTheRemainder) {
  for (const double part : {0.25, 0.5, 0.875}) {
    const auto table = ones(11);
    go_down(*table, 1, part * kUlp);
    double down = 0;
    for (const float value : all_values(*table)) {
      ASSERT_TRUE(value == 1.0F || value == 1.0F - static_cast<float>(kUlp)) << value;
      down += value < 1.0F ? 1 : 0;
    }
    EXPECT_NEAR(down, part * kCount, 5 * std::sqrt(kCount * part * (1 - part)) + 1) << part;
  }
}

// 64 steps of a sixteenth of an ulp, each too small to survive rounding to nearest: the mean has to arrive.
// Each rounding has a variance of at most ulp^2 / 4 and they are independent.
TEST(RowRounding, HasNoBias) {
  const auto table = ones(12);
  const double rate = kUlp / 16;
  for (std::int64_t step = 1; step <= 64; ++step) go_down(*table, step, rate);
  double mean = 0;
  for (const float value : all_values(*table)) mean += static_cast<double>(value) / kCount;
  EXPECT_NEAR(mean, 1 - 64 * rate, 5 * kUlp / 2 * std::sqrt(64 / kCount));
}

// Mean of the products of draws that are +1 or -1, half of them each.
double correlation(const std::vector<float>& values, std::size_t distance) {
  const auto draw = [&](std::size_t i) { return values[i] < 1.0F ? -1.0 : 1.0; };
  double product = 0;
  for (std::size_t i = 0; i + distance < values.size(); ++i) product += draw(i) * draw(i + distance);
  return product / static_cast<double>(values.size() - distance);
}

// Neighbouring columns and rows, and the same element with another seed or at another step, are drawn
// independently: their correlation deviates from 0 by 1 / sqrt(n); five deviations.
TEST(RowRounding, DrawsAreIndependent) {
  const double bound = 5 / std::sqrt(kCount - 64);
  const auto table = ones(13);
  go_down(*table, 1, kUlp / 2);
  auto values = all_values(*table);
  for (const std::size_t distance : {1U, 2U, 16U, 32U, 64U})
    EXPECT_LT(std::abs(correlation(values, distance)), bound);

  const auto other = ones(14);
  go_down(*other, 1, kUlp / 2);
  const auto later = ones(13);
  later->update({}, {}, {1, 1, 1});
  go_down(*later, 2, kUlp / 2);
  for (const auto& table_of_others : {all_values(*other), all_values(*later)}) {
    auto both = values;
    both.insert(both.end(), table_of_others.begin(), table_of_others.end());
    EXPECT_LT(std::abs(correlation(both, values.size())), bound);
  }
}

}  // namespace
}  // namespace nestor::train
