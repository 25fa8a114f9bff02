// The n-gram hash: moduli, powers and segments by hand arithmetic, and whole vectors, the first ten of which
// are llama.cpp's.
#include "hash/ngram_hash.h"

#include <gtest/gtest.h>

#include "config/parse_config.h"
#include "convert/presets.h"

namespace nestor::hash {
namespace {

using Ids = std::vector<TokenId>;
using RowIds = std::vector<std::int64_t>;

const config::NgramSpec& lite() {
  static const auto config = config::parse_config(convert::preset("lite"), "lite");
  return *config.ngram;
}

RowIds rows_at(const Ids& ids, std::size_t i, const Ids& separators = {2}) {
  const NgramHash hash(lite(), separators);
  RowIds rows(12);
  hash.rows_at(ids, i, rows);
  return rows;
}

TEST(NgramHash, ModuliAreTheRowsOfTheTables) {
  ASSERT_EQ(lite().tables(), 12);
  for (std::int64_t i = 0; i < 12; ++i) {
    EXPECT_EQ(lite().rows(i), 10'223'617 + 2 * i);
    EXPECT_EQ(lite().order_of(i), 2 + i / 4);
  }
}

TEST(NgramHash, RowsOfAFractionalRatioAreTruncated) {
  config::NgramSpec spec = lite();
  spec.vocab_size = 97;
  spec.ratio = 5.5;  // 533.5
  EXPECT_EQ(spec.rows(0), 534);
  EXPECT_EQ(spec.rows(3), 540);
  spec.ratio = 0;
  EXPECT_EQ(spec.rows(0), 1);
  EXPECT_EQ(spec.rows(1), 3);
}

// A token 1 at distance k adds V^k mod M, so histories of zeros and ones show the powers. EOS is out of the
// way.
TEST(NgramHash, PowersOfTheVocabularySize) {
  const RowIds second = {4179184, 4175824, 4172464, 4169104, 4165744, 4162384, 4159024, 4155664};
  const RowIds third = {9053570, 8161143, 7268888, 6376805};
  const RowIds one = rows_at({1, 0}, 1);
  const RowIds two = rows_at({1, 0, 0}, 2);
  const RowIds three = rows_at({1, 0, 0, 0}, 3);
  const RowIds four = rows_at({1, 0, 0, 0, 0}, 4);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(one[i], 131072) << i;
    EXPECT_EQ(two[i], i < 4 ? 0 : second[i - 4]) << i;
    EXPECT_EQ(three[i], i < 8 ? 0 : third[i - 8]) << i;
    EXPECT_EQ(four[i], 0) << i;
  }
}

struct Vector {
  Ids ids;
  std::size_t position;
  RowIds rows;  // of tables 0, 4, 8, or of all twelve
};

RowIds twelve(std::int64_t row) { return RowIds(12, row); }

TEST(NgramHash, WholeVectors) {
  const Ids plain = {11, 523, 9001, 44, 130000, 7, 88, 4};
  const Ids cut = {11, 523, 2, 44, 130000, 7, 88, 4};
  const std::vector<Vector> vectors = {
      {{10, 11, 12, 13, 14}, 4, {1703950, 736033, 8151286}},
      {{10, 11, 2, 14, 15, 16}, 2, {1441794, 2339134, 2204702}},
      {{10, 11, 2, 14, 15, 16}, 3, {14, 14, 14}},
      {{10, 11, 2, 14, 15, 16}, 4, {1835023, 1835023, 1835023}},
      {{10, 11, 2, 14, 15, 16}, 5, {1966096, 9356547, 9168347}},
      {{3, 2, 4, 5, 2, 6, 7, 8}, 7, {917512, 5545366, 5464710}},
      {{2, 10, 11, 12}, 3, {1441804, 2339144, 2204712}},
      {{10, 2, 2, 11, 12, 13}, 5, {1572877, 6649401, 6501529}},
      {{10, 11}, 1, {1310731, 1310731, 1310731}},
      {{10, 11, 99, 100}, 3, {2752611, 7829127, 6204250}},
      {plain,
       2,
       {7217955, 7217943, 7217931, 7217919, 2070806, 2033824, 1996842, 1959860, 1922878, 1885896, 1848914,
        1811932}},
      {plain,
       4,
       {5897168, 5897168, 5897168, 5897168, 10015977, 212513, 632686, 1052871, 2948099, 6915271, 748958,
        4896432}},
      {plain,
       7,
       {1310723, 1310721, 1310719, 1310717, 10117753, 10094227, 10070701, 10047175, 9045423, 867998, 4872324,
        611117}},
      {cut,
       2,
       {7208956, 7208944, 7208932, 7208920, 2061807, 2024825, 1987843, 1950861, 1913879, 1876897, 1839915,
        1802933}},
      {cut, 3, twelve(44)},
      {cut, 4, twelve(5897168)},
      {cut,
       5,
       {6814085, 6810753, 6807421, 6804089, 6659603, 6508395, 6357187, 6205979, 6054771, 5903563, 5752355,
        5601147}},
      {Ids(4, 131071),
       3,
       {4192623, 4189263, 4185903, 4182543, 2401372, 1508255, 615310, 9946168, 2221096, 8628880, 6955905,
        7425792}},
  };
  for (const Vector& v : vectors) {
    const RowIds rows = rows_at(v.ids, v.position);
    const RowIds found = v.rows.size() == 12 ? rows : RowIds{rows[0], rows[4], rows[8]};
    EXPECT_EQ(found, v.rows) << "position " << v.position << " after " << v.ids[0];
  }
}

TEST(NgramHash, TheFirstTokenOfASegmentIsItsOwnRow) {
  EXPECT_EQ(rows_at({131071}, 0), twelve(131071));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(rows_at(Ids(5, 2), i), twelve(2)) << i;
  EXPECT_EQ(rows_at({7, 9, 2, 2, 5}, 4), twelve(5));
}

TEST(NgramHash, EverySeparatorOfAListCuts) {
  const Ids ids = {10, 5, 11, 2, 12};
  EXPECT_EQ(rows_at(ids, 2, {2, 5}), twelve(11));
  EXPECT_EQ(rows_at(ids, 4, {2, 5}), twelve(12));
  EXPECT_NE(rows_at(ids, 2, {2}), twelve(11));
  EXPECT_NE(rows_at(ids, 4, {5}), twelve(12));
}

TEST(NgramHash, RowsFromAnyPlaceAreTheRowsOfEachPosition) {
  const NgramHash hash(lite(), {2});
  const Ids ids = {4, 2, 9, 131071, 0, 0, 2, 2, 17, 3, 3, 3};
  for (std::size_t first = 0; first <= ids.size(); ++first) {
    RowIds expected;
    for (std::size_t i = first; i < ids.size(); ++i) {
      const RowIds rows = rows_at(ids, i);
      expected.insert(expected.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(hash.rows_from(ids, first), expected);
  }
}

}  // namespace
}  // namespace nestor::hash
