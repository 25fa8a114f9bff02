// Which fraction a table's size suffers from, by hand, and that recommended sizes are far from all of them.
#include "plan/table_size.h"

#include <gtest/gtest.h>

#include <numeric>

namespace nestor::plan {
namespace {

TEST(NearestFraction, OfMultiplesAndTheirNeighbours) {
  EXPECT_EQ(nearest_fraction(30 * 1024, 1024), (NearFraction{30, 1, 0}));
  EXPECT_EQ(nearest_fraction(30 * 1024 + 7, 1024), (NearFraction{30, 1, -7}));
  EXPECT_EQ(nearest_fraction(31 * 1024 - 3, 1024), (NearFraction{31, 1, 3}));
  EXPECT_EQ(nearest_fraction(61 * 512, 1024), (NearFraction{61, 2, 0}));
  EXPECT_EQ(nearest_fraction(61 * 512 + 1, 1024), (NearFraction{61, 2, -2}));
  EXPECT_EQ(nearest_fraction(5 * 999 / 3, 999), (NearFraction{5, 3, 0}));
}

TEST(NearestFraction, BelowTheVocabularyNoNumeratorIsZero) {
  EXPECT_EQ(nearest_fraction(512, 1024), (NearFraction{1, 2, 0}));
  EXPECT_GE(nearest_fraction(1, 1024).p, 1);
  EXPECT_GE(nearest_fraction(1, 1).p, 1);
}

TEST(NearestFraction, TheOffsetSaysWhichNgramsShareARow) {
  for (const std::int64_t rows : {30720, 30721, 31231, 31000, 11643}) {
    const NearFraction f = nearest_fraction(rows, 1024);
    const std::int64_t a = 300, b = 900;
    EXPECT_EQ((a + b * 1024) % rows, (a + f.offset + (b - f.p) * 1024) % rows) << rows;
  }
}

TEST(RecommendedRows, AreFarFromFractionsCoprimeAndNearby) {
  for (const std::int64_t vocab : {7, 1000, 1024, 2048, 131072}) {
    for (const std::int64_t ratio : {1, 3, 30, 78}) {
      for (const std::int64_t more : {std::int64_t{0}, vocab / 3, vocab / 2, vocab - 1}) {
        const std::int64_t asked = ratio * vocab + more, rows = recommended_rows(asked, vocab);
        EXPECT_EQ(std::gcd(rows, vocab), 1) << asked << " " << vocab;
        EXPECT_LE(std::abs(rows - asked), vocab / 2 + 4) << asked << " " << vocab;
        // (Among a handful of ids every size is near some fraction.)
        EXPECT_GT(clearance(rows, vocab), vocab < 1000 ? -1 : 0.35) << asked << " " << vocab;
      }
    }
  }
}

TEST(Clearance, OfAFractionIsNothingAndOfItsNeighbourLittle) {
  EXPECT_EQ(clearance(61 * 512, 1024), 0);
  EXPECT_NEAR(clearance(30 * 1024 + 10, 1024), 10.0 / 1024, 1e-12);
  EXPECT_NEAR(clearance(61 * 512 + 10, 1024), 40.0 / 1024, 1e-12);  // q |d| = 2 * 20
}

}  // namespace
}  // namespace nestor::plan
