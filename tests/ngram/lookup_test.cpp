// What a step looks up: all sequences one after the other, and each hash once.
#include "ngram/lookup.h"

#include <gtest/gtest.h>

namespace nestor::ngram {
namespace {

const config::NgramSpec kSpec = {.order = 3, .splits = 2, .ratio = 1.5, .vocab_size = 32};
const config::NgramSpec kOther = {.order = 2, .splits = 1, .ratio = 2, .vocab_size = 32};

TEST(Lookup, SequencesFollowOneAnotherAndSeeOnlyTheirOwnHistory) {
  const std::vector<TokenId> one = {7, 8, 2, 9, 10};
  const std::vector<TokenId> two = {11, 12};
  const hash::NgramHash hash(kSpec, {2});
  Lookup lookup;
  lookup.add(one, 3);
  lookup.add(two, 0);
  EXPECT_EQ(std::vector(lookup.words().begin(), lookup.words().end()),
            (std::vector<std::int64_t>{9, 10, 11, 12}));
  auto expected = hash.rows_from(one, 3);
  const auto rest = hash.rows_from(two, 0);
  expected.insert(expected.end(), rest.begin(), rest.end());
  const auto rows = lookup.rows(hash);
  EXPECT_EQ(std::vector(rows.begin(), rows.end()), expected);
  EXPECT_EQ(rows.size(), 4U * 4U);
}

TEST(Lookup, RowsAreComputedOncePerHash) {
  const std::vector<TokenId> history = {7, 8, 9};
  const hash::NgramHash hash(kSpec, {2});
  const hash::NgramHash other(kOther, {2});
  Lookup lookup;
  lookup.add(history, 0);
  const auto* first = lookup.rows(hash).data();
  EXPECT_EQ(lookup.rows(other).size(), 3U);
  EXPECT_EQ(lookup.rows(hash).data(), first);
  EXPECT_NE(lookup.rows(other).data(), first);
}

TEST(Lookup, ClearedItIsAsNew) {
  const std::vector<TokenId> history = {7, 8, 9}, later = {7, 8, 9, 10};
  const hash::NgramHash hash(kSpec, {2});
  Lookup lookup;
  lookup.add(history, 0);
  lookup.rows(hash);
  lookup.clear();
  EXPECT_TRUE(lookup.words().empty());
  lookup.add(later, 3);
  EXPECT_EQ(std::vector(lookup.words().begin(), lookup.words().end()), (std::vector<std::int64_t>{10}));
  const auto rows = lookup.rows(hash);
  EXPECT_EQ(std::vector(rows.begin(), rows.end()), hash.rows_from(later, 3));
}

}  // namespace
}  // namespace nestor::ngram
