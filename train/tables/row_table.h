// A table of rows that may be larger than memory and is trained row by row: what a step touches is gathered,
// what its gradient touches is updated, nothing else is read or written. Not torch parameters: the graph sees the
// gathered rows as a leaf.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nestor::train {

/// The distinct rows of a batch of lookups.
struct RowBatch {
  std::vector<std::int64_t> rows;   // distinct, ascending
  std::vector<std::int32_t> index;  // of each lookup: its place in `rows`
};
RowBatch distinct_rows(std::span<const std::int64_t> lookups);

/// One optimizer step of a table. Steps count from 1.
struct RowStep {
  double learning_rate = 0;  // after schedule and the table's own factor
  std::int64_t step = 1;
};

class RowTable {
 public:
  virtual ~RowTable() = default;

  virtual const std::string& name() const = 0;  // of the tensor in the checkpoint
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t width() const = 0;

  /// out [rows.size(), width] float32.
  virtual void gather(std::span<const std::int64_t> rows, std::span<float> out) const = 0;

  /// Rows are distinct and ascending; gradients [rows.size(), width] float32.
  virtual void update(std::span<const std::int64_t> rows, std::span<const float> gradients, const RowStep& step) = 0;
};

}  // namespace nestor::train
