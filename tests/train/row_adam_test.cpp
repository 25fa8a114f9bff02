// The lazy optimizers against dense ones: every row moved at every step, in double.
#include <gtest/gtest.h>

#include <cmath>

#include "table_fixture.h"

namespace nestor::train {
namespace {

constexpr double kU = 0x1p-24;  // of float32

struct Case {
  Optimizer::Kind kind;
  double beta1;
  double beta2;
  std::uint32_t sparsity;
};

// One element of dense Adam, with what float32 may have lost of it in the table.
struct Element {
  double value = 0, first = 0, second = 0;
  double value_error = 0, first_error = 0;
  double missed = 0;   // sum of magnitudes of the steps since the last touch
  double biggest = 0;  // the size of those steps before the moments come in
};

class DenseAdam {
 public:
  DenseAdam(const TableOptions& options)
      : options_(options),
        elements_(static_cast<std::size_t>(options.rows * options.width)),
        touches_(static_cast<std::size_t>(options.rows)) {}

  void step(std::int64_t s, const std::vector<std::int64_t>& rows, const std::vector<float>& gradients) {
    const Optimizer& o = options_.optimizer;
    const RowStep how = step_number(s);
    const double correction = std::sqrt(1 - std::pow(o.beta2, s));
    const double size = how.learning_rate * correction / (1 - std::pow(o.beta1, s));
    std::size_t next = 0;
    for (std::int64_t row = 0; row < options_.rows; ++row) {
      const bool touched = next < rows.size() && rows[next] == row;
      std::vector<double> g(static_cast<std::size_t>(options_.width));
      if (touched) {
        for (std::size_t i = 0; i < g.size(); ++i) {
          g[i] = static_cast<double>(gradients[next * g.size() + i]) * how.gradient_scale;
        }
        ++next;
        ++touches_[static_cast<std::size_t>(row)];
      }
      move(row, g, touched, size, o.epsilon * correction);
    }
  }

  const Element& at(std::size_t i) const { return elements_[i]; }

  // The second moment has no cancellation: each touch adds at most 6 roundings to its relative error (decay
  // 2, take, square, product, sum), the mean of a row its width + 4.
  double second_error(std::size_t i) const {
    const std::size_t width = static_cast<std::size_t>(options_.width);
    return (6.0 * touches_[i / width] + static_cast<double>(width) + 4) * kU;
  }

  // What the steps since the last touch add: the rate's relative error (half of the second moment's, and 6
  // roundings: root, sum, quotient, product, drift, difference), that of the first moment, the powers that
  // are left out, and an epsilon that should have been compared with a decayed moment.
  double missed_error(std::size_t i, std::int64_t gap) const {
    const Element& e = elements_[i];
    if (e.missed == 0) return 0;  // no first moment, or nothing missed
    const Optimizer& o = options_.optimizer;
    const double ratio = o.beta1 / std::sqrt(o.beta2);
    const double m = std::abs(first_at_touch(e, gap)), v = std::sqrt(second_at_touch(e, gap));
    const double relative = second_error(i) / 2 + 6 * kU + o.epsilon / (v * std::pow(o.beta2, gap / 2.0));
    const double left_out = e.biggest * 0x1p-30 / (1 - ratio) * m / v;
    const double first = m > 0 ? e.missed / m * e.first_error : 0;
    return relative * e.missed + first + left_out + 2 * kU * (std::abs(e.value) + e.missed);
  }

  std::int64_t gap(std::size_t i) const { return gaps_.empty() ? 0 : gaps_[i]; }

 private:
  double first_at_touch(const Element& e, std::int64_t gap) const {
    return e.first == 0 ? 0 : e.first / std::pow(options_.optimizer.beta1, gap);
  }
  double second_at_touch(const Element& e, std::int64_t gap) const {
    return e.second / std::pow(options_.optimizer.beta2, gap);
  }

  void move(std::int64_t row, const std::vector<double>& g, bool touched, double size, double epsilon) {
    const Optimizer& o = options_.optimizer;
    gaps_.resize(elements_.size());
    double mean = 0;
    for (const double x : g) mean += x * x / static_cast<double>(g.size());
    for (std::size_t j = 0; j < g.size(); ++j) {
      const std::size_t i = static_cast<std::size_t>(row) * g.size() + j;
      Element& e = elements_[i];
      if (touched) {
        e.value_error += missed_error(i, gaps_[i]);
        // The first moment: at most 4 roundings of each of its two terms.
        const double kept = std::pow(o.beta1, gaps_[i] + 1);
        e.first_error =
            kept * e.first_error +
            4 * kU * (kept * std::abs(first_at_touch(e, gaps_[i])) + (1 - o.beta1) * std::abs(g[j]));
        e.missed = e.biggest = 0;
        gaps_[i] = 0;
      } else {
        ++gaps_[i];
      }
      e.first = o.beta1 * e.first + (1 - o.beta1) * g[j];
      e.second = o.beta2 * e.second + (1 - o.beta2) * (o.kind == Optimizer::Kind::adam ? g[j] * g[j] : mean);
      const double rate = size / (std::sqrt(e.second) + epsilon), step = rate * e.first;
      e.value -= step;
      if (touched) {
        e.value_error += (second_error(i) / 2 + 6 * kU) * std::abs(step) + rate * e.first_error +
                         2 * kU * (std::abs(e.value) + std::abs(step));
      } else {
        e.missed += std::abs(step);
        e.biggest = std::max(e.biggest, size);
      }
    }
  }

  TableOptions options_;
  std::vector<Element> elements_;
  std::vector<std::int64_t> gaps_;
  std::vector<int> touches_;
};

class RowAdam : public ::testing::TestWithParam<Case> {};

TEST_P(RowAdam, IsDenseAdam) {
  TableOptions options = table_options(40, 5, GetParam().kind);
  options.optimizer.beta1 = GetParam().beta1;
  options.optimizer.beta2 = GetParam().beta2;
  options.optimizer.epsilon = 1e-12;
  const auto table = make_row_table(options);
  DenseAdam dense(options);
  double largest = 0, largest_bound = 0;
  for (std::int64_t step = 1; step <= 120; ++step) {
    const auto rows = touched_rows(options.rows, static_cast<std::uint64_t>(step), GetParam().sparsity);
    const auto gradients = normals(rows.size() * 5, static_cast<std::uint64_t>(step));
    dense.step(step, rows, gradients);
    table->update(rows, gradients, step_number(step));
    const auto values = all_values(*table);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double bound = dense.at(i).value_error + dense.missed_error(i, dense.gap(i));
      const double difference = std::abs(static_cast<double>(values[i]) - dense.at(i).value);
      ASSERT_LE(difference, bound) << "step " << step << ", element " << i;
      largest = std::max(largest, difference);
      largest_bound = std::max(largest_bound, bound);
    }
  }
  // A bound that would also hold for something else is worth nothing: left out, the missed steps are of the
  // size of the learning rate, 0.01 and more.
  EXPECT_LT(largest_bound, 1e-3);
  EXPECT_GT(largest, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RowAdam,
    ::testing::Values(Case{Optimizer::Kind::adam, 0.9, 0.98, 1}, Case{Optimizer::Kind::adam, 0.9, 0.98, 5},
                      Case{Optimizer::Kind::adam, 0.9, 0.98, 40}, Case{Optimizer::Kind::adam, 0.9, 0.999, 10},
                      Case{Optimizer::Kind::adam, 0.95, 0.95, 10}, Case{Optimizer::Kind::adam, 0, 0.98, 5},
                      Case{Optimizer::Kind::row_adam, 0.9, 0.98, 1},
                      Case{Optimizer::Kind::row_adam, 0.9, 0.98, 10},
                      Case{Optimizer::Kind::row_adam, 0.9, 0.999, 40},
                      Case{Optimizer::Kind::row_adam, 0, 0.98, 5}));

// value -= rate g / (sqrt(sum of mean squares) + epsilon), by hand for two touches with a pause between them.
TEST(RowAdagrad, SumsMeanSquares) {
  TableOptions options = table_options(3, 2, Optimizer::Kind::row_adagrad);
  options.optimizer.epsilon = 1e-10;
  const auto table = make_row_table(options);
  const std::vector<std::int64_t> row = {1};
  table->update(row, std::vector<float>{3, 4}, {0.5, 1, 1});  // mean square 12.5
  table->update({}, {}, {0.5, 2, 1});
  table->update(row, std::vector<float>{2, -2}, {0.25, 3, 0.5});  // scaled to 1, -1: mean square 1
  const double first = 0.5 / std::sqrt(12.5), second = 0.25 / std::sqrt(13.5);
  const std::vector<double> expected = {0, 0, -3 * first - second, -4 * first + second, 0, 0};
  const auto values = all_values(*table);
  // Five roundings of each of two steps.
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(values[i], expected[i], 10 * kU * 1.0) << i;
}

// Rows that return after tens of thousands of steps: the moments are gone, the row is where its drift ended.
TEST(RowAdam, LongPausesEnd) {
  for (const auto kind : {Optimizer::Kind::adam, Optimizer::Kind::row_adam}) {
    const auto table = make_row_table(table_options(2, 3, kind));
    const std::vector<std::int64_t> row = {0};
    table->update(row, std::vector<float>{1, 1, 1}, {0.1, 1, 1});
    for (std::int64_t step = 2; step < 1000; ++step) table->update({}, {}, {0.1, step, 1});
    const auto rested = all_values(*table);
    for (std::int64_t step = 1000; step < 40000; ++step) table->update({}, {}, {0.1, step, 1});
    EXPECT_EQ(rested, all_values(*table));
    table->update(row, std::vector<float>{1, 1, 1}, {0.1, 40000, 1});
    // As if new: m = 0.1 g, v = 0.02 g^2, both uncorrected by now, so the step is 0.1 * 0.1 / sqrt(0.02).
    const double moved = static_cast<double>(rested[0]) - static_cast<double>(all_values(*table)[0]);
    EXPECT_NEAR(moved, 0.01 / std::sqrt(0.02), 8 * kU * (std::abs(static_cast<double>(rested[0])) + 0.1));
  }
}

}  // namespace
}  // namespace nestor::train
