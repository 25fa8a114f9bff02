#include "schedule/prefix_index.h"

#include <gtest/gtest.h>

#include <set>

#include "paged_toy_model.h"

namespace nestor::schedule {
namespace {

using Ids = std::vector<TokenId>;

lm::Sequence sequence_of(PagedToyModel& model, const Ids& ids) {
  lm::Sequence sequence(model);
  if (!ids.empty()) {
    const std::vector<lm::Chunk> batch = {{sequence.id(), ids, 0}};
    model.forward(batch);
  }
  return sequence;
}

std::int64_t longest(PrefixIndex& index, const Ids& history) {
  const auto found = index.longest_prefix(history);
  if (!found) return 0;
  const auto start = found->sequence->history().first(static_cast<std::size_t>(found->length));
  EXPECT_TRUE(std::ranges::equal(start, std::span(history).first(start.size())));
  return found->length;
}

TEST(PrefixIndex, FindsTheLongestCommonPrefix) {
  PagedToyModel model;
  PrefixIndex index;
  EXPECT_FALSE(index.longest_prefix(Ids{1}));
  index.park(sequence_of(model, {1, 2, 3, 4}));
  index.park(sequence_of(model, {1, 2, 5}));
  EXPECT_EQ(longest(index, {1, 2, 3, 9}), 3);
  EXPECT_EQ(longest(index, {1, 2, 3, 4, 5}), 4);
  EXPECT_EQ(longest(index, {1, 2, 5}), 3);
  EXPECT_EQ(longest(index, {1, 2}), 2);
  EXPECT_EQ(longest(index, {1, 2, 9}), 2);
  EXPECT_EQ(longest(index, {1, 1}), 1);
  EXPECT_FALSE(index.longest_prefix(Ids{2, 1}));
  EXPECT_FALSE(index.longest_prefix({}));
}

TEST(PrefixIndex, KeepsNoPrefixOfAnother) {
  PagedToyModel model;
  PrefixIndex index;
  index.park(sequence_of(model, {1, 2}));
  index.park(sequence_of(model, {1, 2, 3}));  // takes the place of the first
  EXPECT_EQ(index.size(), 1);
  index.park(sequence_of(model, {1}));
  index.park(sequence_of(model, {1, 2, 3}));
  index.park(sequence_of(model, {}));
  EXPECT_EQ(index.size(), 1);
  EXPECT_EQ(model.open_now(), 1);
  index.park(sequence_of(model, {1, 3}));
  EXPECT_EQ(index.size(), 2);
}

TEST(PrefixIndex, DropsTheOneNotAskedForTheLongest) {
  PagedToyModel model;
  PrefixIndex index;
  for (const TokenId id : {1, 2, 3, 4}) index.park(sequence_of(model, {id, id}));
  EXPECT_EQ(longest(index, {1, 7}), 1);
  index.park(sequence_of(model, {2}));  // a prefix of one that is there: as good as asking
  EXPECT_TRUE(index.drop_oldest());
  EXPECT_EQ(longest(index, {3, 3}), 0);
  EXPECT_TRUE(index.drop_oldest());
  EXPECT_EQ(longest(index, {4, 4}), 0);
  EXPECT_TRUE(index.drop_oldest());
  EXPECT_EQ(longest(index, {1, 1}), 0);
  EXPECT_EQ(longest(index, {2, 2}), 2);
  EXPECT_TRUE(index.drop_oldest());
  EXPECT_FALSE(index.drop_oldest());
  EXPECT_EQ(model.open_now(), 0);
}

TEST(PrefixIndex, EqualsASearchThroughAll) {
  for (std::uint64_t key = 0; key < 200; ++key) {
    std::uint64_t n = 0;
    const auto random_ids = [&] {
      Ids ids(static_cast<std::size_t>(1 + 8 * uniform(key, n++, 1)));
      for (TokenId& id : ids) id = static_cast<TokenId>(3 * uniform(key, n++, 1));
      return ids;
    };
    PagedToyModel model;
    PrefixIndex index;
    std::vector<Ids> all;
    for (int i = 0; i < 20; ++i) {
      all.push_back(random_ids());
      index.park(sequence_of(model, all.back()));
      const Ids asked = random_ids();
      std::int64_t expected = 0;
      for (const Ids& ids : all) expected = std::max(expected, common_prefix(ids, asked));
      ASSERT_EQ(longest(index, asked), expected) << "key " << key;
    }
    EXPECT_EQ(model.open_now(), index.size());
  }
}

}  // namespace
}  // namespace nestor::schedule
