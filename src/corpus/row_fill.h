// One row of a batch from the pieces of documents that lie in it: ids, targets, segments, positions.
#pragma once

#include <cstdint>

#include "corpus/loader.h"

namespace nestor::corpus {

/// Fills row `row` of a batch piece by piece, from left to right.
class RowFill {
 public:
  /// The batch has its vectors at full size: prepare().
  RowFill(Batch& batch, std::int64_t row);

  std::int64_t room() const { return batch_.window - at_; }

  /// Appends tokens [first, first + count) of the corpus, a part of one document that ends before token
  /// `end`; count <= room(). Targets are read beyond the part, up to `end`.
  void append(const Shards& shards, std::int64_t first, std::int64_t count, std::int64_t end);
  /// The same without targets.
  void append_unscored(const Shards& shards, std::int64_t first, std::int64_t count);

  /// A batch of the right size, all of it zero or -1.
  static Batch prepare(std::int64_t rows, std::int64_t window);

 private:
  void begin_segment(std::int64_t count);

  Batch& batch_;
  std::int64_t begin_;   // of the row, in the vectors
  std::int64_t at_ = 0;  // in the row
  std::int32_t segment_ = -1;
};

}  // namespace nestor::corpus
