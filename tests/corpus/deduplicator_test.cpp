#include "corpus/deduplicator.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <set>

namespace nestor::testing {
namespace {

using corpus::Deduplicator;
using corpus::Document;
using corpus::TextHashSet;

bool pass(Deduplicator& deduplicator, const std::string& text) {
  Document document{text, ""};
  return deduplicator.pass(document);
}

std::string sifted(Deduplicator& deduplicator, const std::string& text) {
  Document document{text, ""};
  EXPECT_TRUE(deduplicator.pass(document));
  return document.text;
}

TEST(Deduplicator, DuplicatesAreFoundBeyondWhiteSpace) {
  Deduplicator deduplicator({});
  EXPECT_TRUE(pass(deduplicator, "one two"));
  EXPECT_FALSE(pass(deduplicator, "one two"));
  EXPECT_FALSE(pass(deduplicator, "\t one\r\n\r\ntwo \n"));
  EXPECT_TRUE(pass(deduplicator, "onetwo"));
  EXPECT_TRUE(pass(deduplicator, "One two"));
  EXPECT_FALSE(pass(deduplicator, " \n\t"));
  EXPECT_FALSE(pass(deduplicator, ""));
  EXPECT_EQ(deduplicator.removed(), (corpus::Removed{2, 2, 7 + 14, 0, 0}));
}

TEST(Deduplicator, DuplicatesCanStay) {
  Deduplicator deduplicator({.duplicates = corpus::Duplicates::keep});
  EXPECT_TRUE(pass(deduplicator, "one"));
  EXPECT_TRUE(pass(deduplicator, "one"));
  EXPECT_EQ(deduplicator.removed(), corpus::Removed{});
}

TEST(Deduplicator, RepeatedLinesGoFromTheSecondOn) {
  Deduplicator deduplicator({.dedup_lines_from = 5});
  EXPECT_EQ(sifted(deduplicator, "first line\nfour\nfour\n"), "first line\nfour\nfour\n");
  EXPECT_EQ(sifted(deduplicator, "  first line \r\nfour\nsecond"), "four\nsecond");
  EXPECT_EQ(sifted(deduplicator, "third\nsecond\nthird\n"), "third\n");
  EXPECT_FALSE(pass(deduplicator, "third\n\nsecond\n"));
  EXPECT_EQ(deduplicator.removed(), (corpus::Removed{1, 0, 0, 5, 15 + 7 + 6 + 6 + 7}));
}

TEST(Deduplicator, SpacesAreJoined) {
  EXPECT_EQ(corpus::with_single_spaces(" a \n b\tc\v\f\r"), "a b c");
  EXPECT_EQ(corpus::with_single_spaces(" \n"), "");
  EXPECT_EQ(corpus::with_single_spaces("\xC2\xA0"), "\xC2\xA0");  // only those of ASCII
}

TEST(Deduplicator, HeldoutPlacesAreEvenAndFollowTheGroup) {
  // 10,000 draws of probability 1/40: 250 expected with a standard deviation of 15.6, so that 5 of these
  // are 78.
  int below = 0;
  for (int i = 0; i < 10000; ++i) {
    const double place = corpus::heldout_place({fmt::format("document {}", i), ""});
    ASSERT_GE(place, 0);
    ASSERT_LT(place, 1);
    below += place < 1.0 / 40;
  }
  EXPECT_NEAR(below, 250, 78);
  EXPECT_EQ(corpus::heldout_place({"a  b", ""}), corpus::heldout_place({"a b\n", ""}));
  EXPECT_EQ(corpus::heldout_place({"a", "group"}), corpus::heldout_place({"b", "group"}));
  EXPECT_NE(corpus::heldout_place({"a", "group"}), corpus::heldout_place({"a", ""}));
}

TEST(TextHashSet, AgreesWithTheStandardSet) {
  TextHashSet set;
  std::set<corpus::TextHash> expected;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    // Few low halves, so that places collide; the empty text's hash is among them.
    const corpus::TextHash hash{i * i % 7, i * 31 % 700};
    EXPECT_EQ(set.insert(hash), expected.insert(hash).second) << i;
  }
  EXPECT_EQ(set.size(), expected.size());
}

}  // namespace
}  // namespace nestor::testing
