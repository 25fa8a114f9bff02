#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/error.h"
#include "train/tables/row_table.h"

namespace nestor::train {
namespace {

struct Lookup {
  std::uint64_t row;
  std::uint32_t position;
};

constexpr unsigned kDigitBits = 11;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

}  // namespace

// A stable radix sort by row, then one pass. Deterministic whatever the input.
RowBatch distinct_rows(std::span<const std::int64_t> lookups) {
  std::uint64_t all = 0;
  std::vector<Lookup> sorted(lookups.size()), other(lookups.size());
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    if (lookups[i] < 0) fail(ErrorKind::usage, "rows of a table count from 0, found {}", lookups[i]);
    sorted[i] = {static_cast<std::uint64_t>(lookups[i]), static_cast<std::uint32_t>(i)};
    all |= sorted[i].row;
  }
  const auto bits = static_cast<unsigned>(std::bit_width(all));
  std::array<std::size_t, kDigits> begin{};
  for (unsigned shift = 0; shift < bits; shift += kDigitBits) {
    begin.fill(0);
    for (const Lookup& lookup : sorted) ++begin[(lookup.row >> shift) % kDigits];
    std::size_t sum = 0;
    for (std::size_t& b : begin) sum += std::exchange(b, sum);
    for (const Lookup& lookup : sorted) other[begin[(lookup.row >> shift) % kDigits]++] = lookup;
    sorted.swap(other);
  }
  RowBatch batch;
  batch.index.resize(lookups.size());
  batch.rows.reserve(lookups.size());
  for (const Lookup& lookup : sorted) {
    const auto row = static_cast<std::int64_t>(lookup.row);
    if (batch.rows.empty() || batch.rows.back() != row) batch.rows.push_back(row);
    batch.index[lookup.position] = static_cast<std::int32_t>(batch.rows.size() - 1);
  }
  return batch;
}

}  // namespace nestor::train
