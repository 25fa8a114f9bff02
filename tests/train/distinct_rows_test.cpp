#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "support/refusal.h"
#include "train/tables/row_table.h"

namespace nestor::train {
namespace {

TEST(DistinctRows, AscendAndFindEveryLookup) {
  for (const std::size_t count : {0U, 1U, 2U, 31U, 4096U, 50000U}) {
    for (const std::uint64_t range : {std::uint64_t{1}, std::uint64_t{100}, std::uint64_t{3000},
                                      std::uint64_t{100'000'000}, std::uint64_t{1} << 37}) {
      std::vector<std::int64_t> lookups(count);
      std::map<std::int64_t, std::int32_t> places;
      for (std::size_t i = 0; i < count; ++i) {
        const auto random = philox(count, i, range);
        lookups[i] = static_cast<std::int64_t>(((std::uint64_t{random[0]} << 32) | random[1]) % range);
        places[lookups[i]] = 0;
      }
      std::int32_t place = 0;
      for (auto& [row, at] : places) at = place++;
      const RowBatch batch = distinct_rows(lookups);
      ASSERT_EQ(batch.rows.size(), places.size());
      ASSERT_EQ(batch.index.size(), count);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(batch.index[i], places[lookups[i]]);
        ASSERT_EQ(batch.rows[static_cast<std::size_t>(batch.index[i])], lookups[i]);
      }
    }
  }
}

TEST(DistinctRows, RefusesNegativeRows) {
  EXPECT_REFUSED(distinct_rows(std::vector<std::int64_t>{3, -1}), ErrorKind::usage, "found -1");
}

}  // namespace
}  // namespace nestor::train
