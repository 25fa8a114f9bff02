// Where the rows of one table, of words or of n-grams, are read from. Tables may be larger than memory: a
// store reads the rows that are asked for and nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "base/file.h"
#include "quant/format.h"
#include "quant/record.h"

namespace nestor::ngram {

/// Rows by where they were read from.
struct RowReads {
  std::uint64_t memory = 0;
  std::uint64_t disk = 0;
  std::uint64_t unknown = 0;  // the file system does not tell

  RowReads& operator+=(const RowReads& other) {
    memory += other.memory;
    disk += other.disk;
    unknown += other.unknown;
    return *this;
  }
};

/// How a row is stored: as numbers, or as a record of codes and scales.
using RowFormat = std::variant<quant::Format, quant::RecordFormat>;

class RowStore {
 public:
  RowStore() = default;
  RowStore(const RowStore&) = delete;
  RowStore& operator=(const RowStore&) = delete;
  virtual ~RowStore() = default;

  virtual std::int64_t rows() const = 0;
  /// Values of one row.
  virtual std::int64_t width() const = 0;
  virtual RowFormat format() const = 0;
  std::int64_t row_bytes() const;

  /// Copies the stored rows `ids` that are in memory to their places in `out`, of ids.size() * row_bytes(),
  /// and asks for the others without waiting. Writes the places of those, for finish(), to `waiting`, which
  /// has room for all, and returns how many they are.
  virtual std::size_t begin(std::span<const std::int64_t> ids, std::span<std::byte> out,
                            std::span<std::size_t> waiting) const = 0;
  /// Waits for the rows that begin() with the same arguments left out. Throws Error(io) if they cannot be
  /// read: a truncated file is an error and no signal.
  virtual void finish(std::span<const std::int64_t> ids, std::span<const std::size_t> waiting,
                      std::span<std::byte> out) const = 0;

  /// What was read so far. For the thread that fetches.
  virtual RowReads reads() const { return {}; }
};

/// Rows inside a file, read with positioned reads: through the page cache, so that tables in use stay in
/// memory as long as there is room, without mapping them (a read costs less than a fault, and errors come
/// back as values).
class FileRowStore : public RowStore {
 public:
  /// `file` must outlive the store. The table is [rows, width] at `begin` bytes; records lie in pages from
  /// there.
  FileRowStore(const InputFile& file, std::uint64_t begin, std::int64_t rows, std::int64_t width,
               RowFormat format);

  std::int64_t rows() const override { return rows_; }
  std::int64_t width() const override { return width_; }
  RowFormat format() const override { return format_; }
  std::size_t begin(std::span<const std::int64_t> ids, std::span<std::byte> out,
                    std::span<std::size_t> waiting) const override;
  void finish(std::span<const std::int64_t> ids, std::span<const std::size_t> waiting,
              std::span<std::byte> out) const override;
  RowReads reads() const override { return reads_; }

 private:
  std::uint64_t offset(std::int64_t row) const;

  const InputFile& file_;
  std::uint64_t begin_;
  std::int64_t rows_;
  std::int64_t width_;
  RowFormat format_;
  mutable RowReads reads_;
};

}  // namespace nestor::ngram
