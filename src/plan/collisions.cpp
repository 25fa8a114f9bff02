#include "plan/collisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "base/error.h"
#include "plan/ngram_set.h"

namespace nestor::plan {
namespace {

using corpus::Shards;

constexpr std::int64_t kMostRows = std::int64_t{1} << 31;
constexpr std::int64_t kChunk = 1 << 16;

// What is known of a row: distinct n-grams and positions that have it.
struct RowUse {
  std::uint32_t ngrams = 0, positions = 0;
};

void count_up(std::uint32_t& n) { n += n == std::numeric_limits<std::uint32_t>::max() ? 0 : 1; }

struct SizedTable {
  TableCounts counts;
  std::vector<RowUse> rows;
};

NgramKey row_of(NgramKey key, std::int64_t rows) { return key % static_cast<NgramKey>(rows); }

class Counter {
 public:
  Counter(const Shards& shards, const CollisionRequest& request, ProgressSink& progress,
          const std::stop_token& stop)
      : shards_(shards), request_(request), progress_(progress), stop_(stop), set_(request.bytes / 2) {
    report_.positions = request.tokens == 0 ? shards.tokens() : std::min(request.tokens, shards.tokens());
  }

  CollisionReport count() {
    for (std::int64_t order = 2; order <= request_.max_order; ++order) {
      order_ = order;
      for (std::size_t first = 0; first < request_.rows.size();) first = count_group(first);
    }
    return std::move(report_);
  }

 private:
  // Counts tables from `first` on, as many as memory holds at once; returns the next.
  std::size_t count_group(std::size_t first) {
    std::vector<SizedTable> tables;
    std::uint64_t left = request_.bytes / 2;
    std::size_t end = first;
    for (; end < request_.rows.size(); ++end) {
      const std::int64_t rows = request_.rows[end];
      const std::uint64_t bytes = static_cast<std::uint64_t>(rows) * sizeof(RowUse);
      if (bytes > left) break;
      left -= bytes;
      tables.push_back(
          {{.order = order_, .rows = rows}, std::vector<RowUse>(static_cast<std::size_t>(rows))});
    }
    count_distinct(tables);
    count_positions(tables);
    for (SizedTable& table : tables) {
      summarize(table);
      table.rows = {};
      table.counts.joint_collisions = joint_collisions(table.counts);
      report_.tables.push_back(table.counts);
    }
    return end;
  }

  // How many keys there are. Calls `see` once for each of them.
  template <typename KeyOf, typename See>
  std::int64_t distinct_keys(const std::string& what, const KeyOf& key_of, const See& see) {
    std::int64_t distinct = 0;
    for (std::optional<std::uint64_t> first = 0; first; first = set_.next()) {
      set_.begin(*first);
      for_each_ngram(what, [&](NgramKey key) { set_.insert(key_of(key)); });
      distinct += static_cast<std::int64_t>(set_.size());
      set_.for_each(see);
    }
    return distinct;
  }

  void count_distinct(std::vector<SizedTable>& tables) {
    const std::int64_t distinct = distinct_keys(
        fmt::format("{}-grams", order_), [](NgramKey key) { return key; },
        [&](NgramKey key) {
          for (SizedTable& table : tables) count_up(row(table, key).ngrams);
        });
    for (SizedTable& table : tables) table.counts.distinct = distinct;
  }

  void count_positions(std::vector<SizedTable>& tables) {
    for_each_ngram(fmt::format("rows of {}-grams", order_), [&](NgramKey key) {
      for (SizedTable& table : tables) {
        RowUse& use = row(table, key);
        count_up(use.positions);
        if (use.ngrams == 1) ++table.counts.own_positions;
      }
    });
  }

  static RowUse& row(SizedTable& table, NgramKey key) {
    return table.rows[static_cast<std::size_t>(row_of(key, table.counts.rows))];
  }

  static void summarize(SizedTable& table) {
    TableCounts& counts = table.counts;
    for (const RowUse& use : table.rows) {
      if (use.ngrams > 0) ++counts.touched;
      counts.heaviest = std::max<std::int64_t>(counts.heaviest, use.ngrams);
    }
    const auto busier = [](const RowUse& a, const RowUse& b) { return a.positions > b.positions; };
    const auto busiest = [&](std::size_t n) {
      const auto end = table.rows.begin() + static_cast<std::ptrdiff_t>(n);
      std::nth_element(table.rows.begin(), end, table.rows.end(), busier);
      return std::accumulate(table.rows.begin(), end, std::int64_t{0},
                             [](std::int64_t sum, const RowUse& use) { return sum + use.positions; });
    };
    counts.busiest_tenth = busiest((table.rows.size() + 9) / 10);
    counts.busiest_percent = busiest((table.rows.size() + 99) / 100);
  }

  // Keys share their rows in all K tables if they are equal modulo the least common multiple of the sizes:
  // never, where that is beyond the largest key.
  std::int64_t joint_collisions(const TableCounts& counts) {
    NgramKey keys = 1;
    for (std::int64_t k = 0; k < order_; ++k) keys *= static_cast<NgramKey>(shards_.vocab_size());
    NgramKey multiple = 1;
    for (std::int64_t k = 0; k < request_.splits; ++k) {
      const auto rows = static_cast<std::uint64_t>(counts.rows + 2 * k);
      const std::uint64_t factor = rows / std::gcd(rows, static_cast<std::uint64_t>(multiple % rows));
      if (factor >= keys / multiple + 1) return 0;
      multiple *= factor;
    }
    if (request_.splits == 1) return counts.collisions();
    return counts.distinct - distinct_keys(
                                 fmt::format("{}-grams in {} tables", order_, request_.splits),
                                 [&](NgramKey key) { return key % multiple; }, [](NgramKey) {});
  }

  template <typename See>
  void for_each_ngram(const std::string& what, const See& see) {
    ++report_.passes;
    const bool first_pass = report_.passes == 1;
    const auto radix = static_cast<NgramKey>(shards_.vocab_size());
    const TokenId eos = shards_.eos(), low = static_cast<TokenId>(shards_.vocab_size() / 2);
    std::vector<TokenId> ids;
    for (std::int64_t first = 0; first < report_.positions; first += kChunk) {
      if (stop_.stop_requested()) fail(ErrorKind::cancelled, "stopped; nothing was written");
      const std::int64_t before = std::min(first, order_ - 1);
      const std::int64_t end = std::min(first + kChunk, report_.positions);
      ids.resize(static_cast<std::size_t>(end - first + before));
      shards_.read(first - before, ids);
      for (auto i = static_cast<std::size_t>(before); i < ids.size(); ++i) {
        if (first_pass && ids[i] < low) ++report_.low_ids;
        const std::size_t longest = std::min(i, static_cast<std::size_t>(order_ - 1));
        std::size_t reach = 0;
        while (reach < longest && ids[i - reach - 1] != eos) ++reach;
        NgramKey key = 0;
        for (std::size_t k = reach + 1; k-- > 0;) key = key * radix + static_cast<NgramKey>(ids[i - k]);
        see(key);
      }
      progress_.advance(what, static_cast<std::uint64_t>(end), static_cast<std::uint64_t>(report_.positions));
    }
  }

  const Shards& shards_;
  const CollisionRequest& request_;
  ProgressSink& progress_;
  const std::stop_token& stop_;
  NgramSet set_;
  std::int64_t order_ = 2;
  CollisionReport report_;
};

void check(const Shards& shards, const CollisionRequest& r) {
  if (r.max_order < 2) fail(ErrorKind::usage, "the longest n-gram has at least 2 ids, not {}", r.max_order);
  if (r.splits < 1) fail(ErrorKind::usage, "an order has at least one table, not {}", r.splits);
  const double bits = static_cast<double>(r.max_order) * std::log2(static_cast<double>(shards.vocab_size()));
  if (bits > 126) {
    fail(ErrorKind::usage,
         "{}-grams of {} ids are beyond 2^126 possibilities; expected shorter ones, up to {}", r.max_order,
         shards.vocab_size(), static_cast<int>(126 / std::log2(static_cast<double>(shards.vocab_size()))));
  }
  for (const std::int64_t rows : r.rows) {
    if (rows < 1 || rows + 2 * (r.splits - 1) > kMostRows) {
      fail(ErrorKind::usage, "a table has 1 to {} rows, not {}", kMostRows, rows);
    }
    const std::uint64_t needed = 2 * static_cast<std::uint64_t>(rows) * sizeof(RowUse);
    if (needed > r.bytes) {
      fail(ErrorKind::limit,
           "counting the rows of a table of {} takes {:.1f} GB, {:.1f} GB are allowed (--memory)", rows,
           static_cast<double>(needed) / 1e9, static_cast<double>(r.bytes) / 1e9);
    }
  }
}

}  // namespace

double TableCounts::random_collisions() const {
  const auto m = static_cast<double>(rows), n = static_cast<double>(distinct);
  return distinct == 0 ? 0 : n + m * std::expm1(n * std::log1p(-1 / m));
}

CollisionReport count_collisions(const Shards& shards, const CollisionRequest& request,
                                 ProgressSink& progress, const std::stop_token& stop) {
  check(shards, request);
  return Counter(shards, request, progress, stop).count();
}

}  // namespace nestor::plan
