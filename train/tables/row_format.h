// How a row lies in memory: a record of state and values side by side, so that an update touches few cache
// lines and one page. The same for resident and mapped tables, and in snapshots.
#pragma once

#include <cstddef>
#include <cstdint>

#include "recipe/recipe.h"

namespace nestor::train {

/// Begins every record.
struct RowState {
  std::uint32_t last = 0;  // the step that touched the row last; 0 = none
  float second = 0;        // the row-wise second moment, or the sum of row_adagrad
};

struct RowFormat {
  enum class Moment : std::uint8_t { none, row, element };

  std::int64_t width = 0;
  recipe::TableOptimizer::Numbers numbers = recipe::TableOptimizer::Numbers::f32;
  Moment first = Moment::none;  // never row
  Moment second = Moment::row;
  // After the state, each [width] in `numbers`: values, first moments, second moments, as far as there are
  // any.
  std::size_t first_at = 0, second_at = 0;  // bytes from the start of a record
  std::size_t record = 0;                   // bytes of a record, a multiple of 8
  std::int64_t group = 0;                   // rows side by side, then a gap up to
  std::size_t group_bytes = 0;              // this

  std::size_t offset(std::int64_t row) const {
    const auto r = static_cast<std::uint64_t>(row), g = static_cast<std::uint64_t>(group);
    return r / g * group_bytes + r % g * record;
  }
  std::uint64_t bytes(std::int64_t rows) const;
};

inline constexpr std::size_t kValuesAt = sizeof(RowState);

/// Error(usage) for a width below 1 or beyond 2^20.
RowFormat row_format(std::int64_t width, const recipe::TableOptimizer& optimizer);

}  // namespace nestor::train
