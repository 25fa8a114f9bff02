#include "study/collision_sweep.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"

namespace nestor::study {
namespace {

TEST(CollisionSweep, NgramsByHand) {
  const std::vector<TokenId> ids = {3, 1, 3, 1};
  EXPECT_EQ(distinct_ngrams(ids, 1, 10), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(distinct_ngrams(ids, 2, 10), (std::vector<std::uint64_t>{3, 13, 31}));  // 03, 13, 31
  EXPECT_EQ(distinct_ngrams(ids, 3, 10), (std::vector<std::uint64_t>{3, 31, 131, 313}));
  EXPECT_EQ(rows_touched(std::vector<std::uint64_t>{3, 13, 31}, 10), 2);
  EXPECT_EQ(rows_touched(std::vector<std::uint64_t>{3, 13, 31}, 1), 1);
  EXPECT_EQ(rows_touched(std::vector<std::uint64_t>{}, 7), 0);
}

// Counted with maps of strings, which share nothing with sorted numbers.
TEST(CollisionSweep, EqualsBruteForce) {
  for (const std::int64_t vocab : {2, 17, 1000}) {
    std::vector<TokenId> ids;
    for (std::uint64_t i = 0; i < 3000; ++i)
      ids.push_back(static_cast<TokenId>(philox(5, i, 0)[0] % vocab * (philox(6, i, 0)[0] % 3) / 2));
    for (std::int64_t order = 2; order <= 4; ++order) {
      std::map<std::vector<TokenId>, std::uint64_t> grams;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        std::vector<TokenId> gram;
        std::uint64_t value = 0;
        for (std::int64_t back = order - 1; back >= 0; --back) {
          const TokenId id =
              static_cast<std::int64_t>(i) >= back ? ids[i - static_cast<std::size_t>(back)] : 0;
          gram.push_back(id);
          value = value * static_cast<std::uint64_t>(vocab) + static_cast<std::uint64_t>(id);
        }
        grams[gram] = value;
      }
      const auto distinct = distinct_ngrams(ids, order, static_cast<std::uint64_t>(vocab));
      EXPECT_EQ(distinct.size(), grams.size());
      for (const std::int64_t rows : {1, 7, 64, 1001}) {
        std::set<std::uint64_t> touched;
        for (const auto& [gram, value] : grams) touched.insert(value % static_cast<std::uint64_t>(rows));
        EXPECT_EQ(rows_touched(distinct, rows), std::ssize(touched));
      }
    }
  }
}

TEST(CollisionSweep, IsReadAsItWasWritten) {
  CollisionSweep sweep{{{30, 4000}, {30.1, 1600}}, {{16384, {0.1, 0.2, 0.25, 0.3}}}};
  const Json json = to_json(sweep);
  EXPECT_EQ(to_json(sweep_from(parse_json(to_text(json), "x"), "x")), json);
}

}  // namespace
}  // namespace nestor::study
