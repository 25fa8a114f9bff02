// The file of one snapshot of one table: every row that was ever touched. Those of older versions may have
// the rows changed since the one before alone.
//   header    fixed, little-endian
//   drift     [steps + 1] float64
//   rows      [count] int64, ascending
//   records   [count] of the table's record size
//   checksum  uint64 of everything before
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace nestor::train {

/// What has to be the same for a snapshot to fit a table.
struct RowShape {
  std::int64_t rows = 0, width = 0;
  std::uint32_t kind = 0, numbers = 0;
  std::uint64_t record = 0;
  friend bool operator==(const RowShape&, const RowShape&) = default;
};

struct RowSnapshotHead {
  std::int64_t number = 0;
  std::int64_t previous = 0;  // the snapshot that this one builds on; `number` itself if it is complete
  RowShape shape;
  std::int64_t steps = 0;
  std::int64_t count = 0;
};

/// "FOLDER/NAME.NUMBER.rows"
std::filesystem::path row_snapshot_path(const std::filesystem::path& folder, const std::string& name,
                                        std::int64_t number);

/// The number of a file of that name, if it is one of this table.
std::optional<std::int64_t> row_snapshot_number(const std::string& file_name, const std::string& name);

/// What a killed run left while it wrote a snapshot of this table (the temporary name of OutputFile).
bool is_unfinished_row_snapshot(const std::string& file_name, const std::string& name);

struct RowSnapshot {
  RowSnapshotHead head;
  std::span<const double> drift;                             // [steps + 1]
  std::span<const std::int64_t> rows;                        // [count]
  std::function<const std::byte*(std::int64_t row)> record;  // where a row lies
};
void write_row_snapshot(const std::filesystem::path& path, const RowSnapshot& snapshot);

/// A snapshot's file, mapped and checked against its checksum. Throws Error(bad_input) that names the file.
class RowSnapshotFile {
 public:
  RowSnapshotFile(const std::filesystem::path& path, const RowShape& shape, std::int64_t number);

  const RowSnapshotHead& head() const { return head_; }
  std::span<const double> drift() const;
  std::span<const std::int64_t> rows() const;
  std::span<const std::byte> record(std::int64_t index) const;

 private:
  std::span<const std::byte> part(std::uint64_t begin, std::uint64_t bytes) const;

  InputFile file_;
  MappedFile mapping_;
  RowSnapshotHead head_;
  std::uint64_t drift_at_ = 0, rows_at_ = 0, records_at_ = 0;
};

/// The head alone, without reading the rest: enough to follow a chain.
RowSnapshotHead row_snapshot_head(const std::filesystem::path& path);

}  // namespace nestor::train
