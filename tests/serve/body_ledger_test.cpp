// Who gives way when request bodies do not fit.
#include "serve/http/body_ledger.h"

#include <gtest/gtest.h>

#include <vector>

namespace nestor::serve {
namespace {

struct Bodies {
  BodyLedger ledger;
  std::vector<std::string> gave_way = {};

  std::uint64_t open(const std::string& client, const std::string& name) {
    return ledger.open(client, [this, name] { gave_way.push_back(name); });
  }
};
using Names = std::vector<std::string>;

TEST(BodyLedger, CountsWhatHasComeUntilItIsClosed) {
  Bodies b{BodyLedger({100, 100})};
  const auto one = b.open("a", "one"), two = b.open("b", "two");
  EXPECT_EQ(b.ledger.bytes(), 0U);
  b.ledger.add(one, 30);
  b.ledger.add(one, 20);
  b.ledger.add(two, 50);
  EXPECT_EQ(b.ledger.bytes(), 100U);
  b.ledger.complete(one);
  EXPECT_EQ(b.ledger.bytes(), 100U);
  b.ledger.close(one);
  b.ledger.close(one);
  EXPECT_EQ(b.ledger.bytes(), 50U);
  b.ledger.close(two);
  EXPECT_EQ(b.ledger.bytes(), 0U);
  EXPECT_EQ(b.gave_way, Names{});
}

TEST(BodyLedger, WhoAnnouncesAndSendsNothingIsNotInTheWay) {
  Bodies b{BodyLedger({100, 100})};
  for (int i = 0; i < 1000; ++i) b.open("a", "silent");
  b.ledger.add(b.open("a", "one"), 100);
  EXPECT_EQ(b.gave_way, Names{});
}

TEST(BodyLedger, TheOldestThatStillArrivesGivesWay) {
  Bodies b{BodyLedger({100, 100})};
  const auto done = b.open("a", "done"), first = b.open("b", "first"), second = b.open("c", "second");
  b.ledger.add(done, 40);
  b.ledger.complete(done);
  b.ledger.add(second, 30);
  b.ledger.add(first, 30);
  const auto last = b.open("d", "last");
  b.ledger.add(last, 1);
  EXPECT_EQ(b.gave_way, Names{"first"});
  b.ledger.add(last, 29);
  EXPECT_EQ(b.gave_way, Names{"first"});
  b.ledger.add(last, 25);
  EXPECT_EQ(b.gave_way, (Names{"first", "second"}));
  EXPECT_EQ(b.ledger.bytes(), 95U);
}

TEST(BodyLedger, OneThatNeedsTheRoomOfManyTakesIt) {
  Bodies b{BodyLedger({100, 100})};
  for (const char* name : {"1", "2", "3", "4"}) b.ledger.add(b.open("a", name), 25);
  b.ledger.add(b.open("b", "large"), 60);
  EXPECT_EQ(b.gave_way, (Names{"1", "2", "3"}));
  EXPECT_EQ(b.ledger.bytes(), 85U);
}

TEST(BodyLedger, WhereNoneCanGiveWayTheNewOneEnds) {
  Bodies b{BodyLedger({100, 100})};
  const auto done = b.open("a", "done");
  b.ledger.add(done, 90);
  b.ledger.complete(done);
  const auto late = b.open("b", "late");
  b.ledger.add(late, 20);
  EXPECT_EQ(b.gave_way, Names{"late"});
  EXPECT_EQ(b.ledger.bytes(), 90U);
  b.ledger.add(late, 5);  // what still comes of it
  EXPECT_EQ(b.ledger.bytes(), 90U);
}

TEST(BodyLedger, AClientsShareIsTakenFromItself) {
  Bodies b{BodyLedger({100, 50})};
  const auto other = b.open("other", "other");
  b.ledger.add(other, 50);
  const auto first = b.open("a", "first"), second = b.open("a", "second");
  b.ledger.add(first, 30);
  b.ledger.add(second, 20);
  EXPECT_EQ(b.gave_way, Names{});
  b.ledger.add(second, 1);
  EXPECT_EQ(b.gave_way, Names{"first"});
  b.ledger.add(second, 30);  // alone it is too much
  EXPECT_EQ(b.gave_way, (Names{"first", "second"}));
  EXPECT_EQ(b.ledger.bytes(), 50U);
}

TEST(BodyLedger, WhoGivesWayMayCloseItsAccount) {
  BodyLedger ledger({10, 10});
  std::uint64_t old = 0;
  old = ledger.open("a", [&] { ledger.close(old); });
  ledger.add(old, 10);
  ledger.add(ledger.open("b", [] {}), 10);
  EXPECT_EQ(ledger.bytes(), 10U);
}

}  // namespace
}  // namespace nestor::serve
