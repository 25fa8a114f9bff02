// A table of rows that may be larger than memory and is trained row by row: what a step touches is gathered,
// what its gradient touches is updated, nothing else is read or written. Not torch parameters: the graph sees
// the gathered rows as a leaf.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace nestor::train {

/// The distinct rows of a batch of lookups.
struct RowBatch {
  std::vector<std::int64_t> rows;   // distinct, ascending
  std::vector<std::int32_t> index;  // of each lookup: its place in `rows`
};
/// Error(usage) for a negative row.
RowBatch distinct_rows(std::span<const std::int64_t> lookups);

/// One optimizer step of a table. Steps count from 1, none is left out.
struct RowStep {
  double learning_rate = 0;  // after schedule and the table's own factor, before amplification
  std::int64_t step = 1;
  double gradient_scale = 1;  // what clipping multiplies the gradients with
};

struct TableOptions {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  recipe::TableOptimizer optimizer;
  /// The table holds `amplification` times the values that the recipe's numbers are about (sqrt(D) when that
  /// is trained folded). Gradients are then so many times smaller, so the learning rate is multiplied with it
  /// and epsilon divided: the run is the one with the factor outside of the table.
  double amplification = 1;
  std::uint64_t seed = 0;         // of stochastic rounding
  std::filesystem::path scratch;  // folder of the mapped file; unused for resident tables
};

/// What the update of Adam does to a row depends on the step alone once it is no more touched: its moments
/// decay, and the value goes on along the first moment. So nothing is done until the row is read, and
/// `gather` returns what dense Adam would hold. The values of a table are those of `gather`, always.
///
/// One thread calls; inside, torch's threads share the rows. No result depends on their number or on the
/// storage.
class RowTable {
 public:
  virtual ~RowTable() = default;

  virtual const std::string& name() const = 0;  // of the tensor in the checkpoint
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t width() const = 0;
  /// Bytes of values and optimizer state, were every row touched.
  virtual std::uint64_t bytes() const = 0;

  /// out [rows.size(), width] float32. Rows in any order; ascending is fastest.
  virtual void gather(std::span<const std::int64_t> rows, std::span<float> out) const = 0;

  /// Rows are distinct and ascending; gradients [rows.size(), width] float32, finite. To be called at every
  /// step, with no rows too.
  virtual void update(std::span<const std::int64_t> rows, std::span<const float> gradients,
                      const RowStep& step) = 0;

  /// Sets rows [first, first + values.size() / width) and forgets their optimizer state. Tables begin with
  /// zeros.
  virtual void assign(std::int64_t first, std::span<const float> values) = 0;

  /// Snapshots: files NAME.NUMBER.rows in `folder`, each complete or not there at all and with every row that
  /// was ever touched, so that it depends on no other. Those of older versions had the rows changed since the
  /// one before, too: they are read and pruned all the same.
  virtual void save(const std::filesystem::path& folder, std::int64_t number) = 0;
  /// Into a table just made. Error(not_found, bad_input) if the snapshot or one that it builds on is missing,
  /// damaged or of another table; the table is then unchanged.
  virtual void load(const std::filesystem::path& folder, std::int64_t number) = 0;
  /// Removes what none of the snapshots `keep` needs, and what a killed run left half written.
  virtual void prune(const std::filesystem::path& folder, std::span<const std::int64_t> keep) const = 0;
};

/// A table of zeros; memory or disk is taken as rows are touched. Error(usage) for options that make no
/// sense, Error(limit) where memory or disk cannot hold it.
std::unique_ptr<RowTable> make_row_table(const TableOptions& options);

}  // namespace nestor::train
