// What n-grams of a packed corpus share rows in tables of given sizes: counted, not estimated.
//
// Every position of the corpus has one n-gram of each order: its id and the n - 1 before it in the same
// document, as the model hashes them. The EOS counts as a position and hashes with the ids before it; nothing
// after it sees it or them. Before the start of a document stand zeros, so n-grams that begin there count,
// too.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "base/progress.h"
#include "corpus/shards.h"

namespace nestor::plan {

struct CollisionRequest {
  std::vector<std::int64_t> rows;  // sizes of tables: 1 to 2^31
  std::int64_t max_order = 4;      // N; V^N stays below 2^127
  std::int64_t splits = 1;         // K tables of rows M, M + 2, ... M + 2 (K - 1), for joint collisions
  std::int64_t tokens = 0;         // from the beginning; 0: all
  std::uint64_t bytes = std::uint64_t{1} << 30;  // memory for counting
};

/// A table of `rows` rows for n-grams of one order.
struct TableCounts {
  std::int64_t order = 0;
  std::int64_t rows = 0;
  std::int64_t distinct = 0;          // n-grams
  std::int64_t touched = 0;           // rows that they have
  std::int64_t heaviest = 0;          // most distinct n-grams of a row
  std::int64_t own_positions = 0;     // whose n-gram has its row for itself
  std::int64_t busiest_percent = 0;   // positions that the busiest hundredth of all rows serves
  std::int64_t busiest_tenth = 0;     // and the busiest tenth
  std::int64_t joint_collisions = 0;  // n-grams beyond the first that share their rows in all K tables

  /// Distinct n-grams beyond the first of their row.
  std::int64_t collisions() const { return distinct - touched; }
  double hit_rate() const { return static_cast<double>(touched) / static_cast<double>(rows); }
  /// Collisions of as many n-grams whose rows are drawn at random.
  double random_collisions() const;

  bool operator==(const TableCounts&) const = default;
};

struct CollisionReport {
  std::int64_t positions = 0;       // tokens read
  std::int64_t low_ids = 0;         // of them in the lower half of the vocabulary
  std::int64_t passes = 0;          // over the corpus
  std::vector<TableCounts> tables;  // by order, then as asked

  /// Frequent tokens have no low ids: a tokenizer with random ids, which hides what bad ratios do.
  bool ids_at_random() const { return 4 * low_ids < 3 * positions; }
};

/// Throws Error: usage for a request out of bounds, limit where `bytes` cannot hold the rows of one table
/// (8 bytes each, in half of it), cancelled, and what Shards::read throws.
CollisionReport count_collisions(const corpus::Shards& shards, const CollisionRequest& request,
                                 ProgressSink& progress, const std::stop_token& stop);

}  // namespace nestor::plan
