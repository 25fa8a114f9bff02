// The set counts exactly in whatever memory: several passes see each key once.
#include "plan/ngram_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace nestor::plan {
namespace {

struct Counted {
  std::multiset<NgramKey> seen;
  int passes = 0;
  std::size_t largest = 0;
};

Counted count(NgramSet& set, const std::vector<NgramKey>& keys) {
  Counted counted;
  for (std::optional<std::uint64_t> first = 0; first; first = set.next()) {
    set.begin(*first);
    for (const NgramKey key : keys) set.insert(key);
    set.for_each([&](NgramKey key) { counted.seen.insert(key); });
    counted.largest = std::max(counted.largest, set.size());
    ++counted.passes;
  }
  return counted;
}

std::vector<NgramKey> random_keys(std::size_t n, std::uint64_t below) {
  std::mt19937_64 random(7);
  std::vector<NgramKey> keys;
  for (std::size_t i = 0; i < n; ++i) {
    keys.push_back((NgramKey{random() % below} << (i % 3 == 0 ? 62 : 0)) + random() % below);
  }
  return keys;
}

class NgramSetOfBytes : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(NgramSetOfBytes, SeesEveryKeyOnce) {
  for (const std::uint64_t below : {3, 60, 1 << 20}) {
    for (const std::size_t n : {0, 1, 11, 12, 13, 3000}) {
      std::vector<NgramKey> keys = random_keys(n, below);
      keys.push_back(0);
      keys.push_back((NgramKey{1} << 127) - 1);
      NgramSet set(GetParam());
      const Counted counted = count(set, keys);
      const std::set<NgramKey> distinct(keys.begin(), keys.end());
      EXPECT_EQ(counted.seen, std::multiset<NgramKey>(distinct.begin(), distinct.end()));
      EXPECT_LE(counted.largest, std::max<std::uint64_t>(GetParam() / 22, 16));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, NgramSetOfBytes, ::testing::Values(0, 400, 5000, 100000, 1 << 22));

TEST(NgramSet, LittleMemoryTakesMorePassesAndMuchTakesOne) {
  const std::vector<NgramKey> keys = random_keys(3000, 1 << 20);
  NgramSet little(22 * 400), much(1 << 20);
  const int passes = count(little, keys).passes;
  EXPECT_GE(passes, 10);  // 3000 keys, at most 300 in a pass
  EXPECT_LE(passes, 32);  // and no fewer than about half of that
  EXPECT_EQ(count(much, keys).passes, 1);
}

TEST(NgramSet, ANewCountStartsWithTheWholeRange) {
  NgramSet set(22 * 400);
  count(set, random_keys(3000, 1 << 20));
  EXPECT_EQ(count(set, {1, 2, 3}).passes, 1);
}

}  // namespace
}  // namespace nestor::plan
