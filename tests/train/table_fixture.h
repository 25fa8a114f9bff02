// Tables for the tests, and gradients to feed them.
#pragma once

#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "train/tables/row_table.h"

namespace nestor::train {

using Optimizer = recipe::TableOptimizer;

inline TableOptions table_options(std::int64_t rows, std::int64_t width, Optimizer::Kind kind,
                                  Optimizer::Numbers numbers = Optimizer::Numbers::f32) {
  TableOptions options;
  options.name = "model.table.weight";
  options.rows = rows;
  options.width = width;
  options.optimizer.kind = kind;
  options.optimizer.numbers = numbers;
  options.seed = 7;
  return options;
}

/// Normal numbers, a pure function of the key.
inline std::vector<float> normals(std::size_t count, std::uint64_t key) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = normal_pair(key, i, 0)[0];
  return values;
}

/// Which rows a step touches: about one in `sparsity` of them.
inline std::vector<std::int64_t> touched_rows(std::int64_t rows, std::uint64_t step, std::uint32_t sparsity) {
  std::vector<std::int64_t> touched;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (philox(99, step, static_cast<std::uint64_t>(row))[0] % sparsity == 0) touched.push_back(row);
  }
  return touched;
}

/// A learning rate that moves, so that nothing can rely on its being constant.
inline RowStep step_number(std::int64_t step) {
  return {0.01 * (1 + 0.5 * static_cast<double>(step % 7)), step, step % 3 == 0 ? 0.5 : 1.0};
}

inline void train_step(RowTable& table, std::int64_t step, std::uint32_t sparsity) {
  const auto rows = touched_rows(table.rows(), static_cast<std::uint64_t>(step), sparsity);
  const auto gradients =
      normals(rows.size() * static_cast<std::size_t>(table.width()), static_cast<std::uint64_t>(step));
  table.update(rows, gradients, step_number(step));
}

inline std::vector<float> all_values(const RowTable& table) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.rows()));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  std::vector<float> values(rows.size() * static_cast<std::size_t>(table.width()));
  table.gather(rows, values);
  return values;
}

}  // namespace nestor::train
