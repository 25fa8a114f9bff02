// The one implementation of RowTable: records in memory or a mapped file, their optimizer, and their
// snapshots.
#pragma once

#include "train/tables/catch_up.h"
#include "train/tables/row_format.h"
#include "train/tables/row_kernels.h"
#include "train/tables/row_memory.h"
#include "train/tables/row_set.h"
#include "train/tables/row_snapshot.h"
#include "train/tables/row_table.h"

namespace nestor::train {

class StoredRows final : public RowTable {
 public:
  explicit StoredRows(const TableOptions& options);

  const std::string& name() const override { return options_.name; }
  std::int64_t rows() const override { return options_.rows; }
  std::int64_t width() const override { return options_.width; }
  std::uint64_t bytes() const override { return memory_.bytes(); }

  void gather(std::span<const std::int64_t> rows, std::span<float> out) const override;
  void update(std::span<const std::int64_t> rows, std::span<const float> gradients,
              const RowStep& step) override;
  void assign(std::int64_t first, std::span<const float> values) override;
  void save(const std::filesystem::path& folder, std::int64_t number) override;
  void load(const std::filesystem::path& folder, std::int64_t number) override;
  void prune(const std::filesystem::path& folder, std::span<const std::int64_t> keep) const override;

 private:
  RowShape shape() const;
  RowRule rule(const RowStep& step) const;
  void check_update(std::span<const std::int64_t> rows, std::span<const float> gradients,
                    const RowStep& step) const;

  TableOptions options_;
  RowFormat format_;
  RowMemory memory_;
  CatchUp catch_up_;
  Decay first_decay_, second_decay_;
  RowSet live_;  // ever touched
};

}  // namespace nestor::train
