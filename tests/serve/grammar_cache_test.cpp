// Compiled grammars are compiled once, and all of them together have bounded memory.
#include "serve/answer/grammar_cache.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "support/refusal.h"

namespace nestor::serve {
namespace {

using Held = std::shared_ptr<const grammar::Grammar>;

Held compiled(int i) {
  return grammar::Grammar::from_json_schema({{"type", "string"}, {"maxLength", 100 + i}});
}

/// Gets forms by their number, and counts what is compiled for it.
struct Asker {
  explicit Asker(std::size_t most_bytes) : cache(most_bytes) {}
  Held get(int i) {
    return cache.get(std::to_string(i), [&] {
      ++compilations;
      return compiled(i);
    });
  }

  GrammarCache cache;
  int compilations = 0;
};

TEST(GrammarCache, CompilesAFormOnce) {
  Asker asker(GrammarCache::kMostBytes);
  const Held first = asker.get(1);
  EXPECT_EQ(asker.get(1), first);
  EXPECT_EQ(asker.compilations, 1);
  for (int i = 2; i <= 16; ++i) asker.get(i);
  EXPECT_EQ(asker.get(1), first);
  asker.get(17);  // 2 was asked for longest ago
  EXPECT_EQ(asker.compilations, 17);
  asker.get(1);
  EXPECT_EQ(asker.compilations, 17);
  asker.get(2);
  EXPECT_EQ(asker.compilations, 18);
}

TEST(GrammarCache, CountsWhatIsKeptAndHeld) {
  const std::size_t one = compiled(1)->bytes();
  EXPECT_GT(one, 1000U);
  Asker asker(10 * one);
  for (int i = 0; i < 30; ++i) {
    asker.get(i);
    EXPECT_LE(asker.cache.bytes(), 10 * one);
  }
  EXPECT_GE(asker.cache.bytes(), 8 * one);
  std::vector<Held> held;
  for (int i = 100; i < 108; ++i) held.push_back(asker.get(i));
  EXPECT_LE(asker.cache.bytes(), 10 * one);
  held.clear();
  EXPECT_GE(asker.cache.bytes(), 8 * one);
}

TEST(GrammarCache, RefusesWhatFindsNoRoomBesideThoseInUse) {
  const std::size_t one = compiled(1)->bytes();
  Asker asker(4 * one);
  std::vector<Held> held;
  for (int i = 0; i < 4; ++i) held.push_back(asker.get(i));
  for (int i = 4; i < 8; ++i)
    EXPECT_REFUSED(asker.get(i), ErrorKind::busy, "the schemas of the requests under way");
  EXPECT_EQ(asker.cache.bytes(), 4 * one);
  held.pop_back();
  held.push_back(asker.get(9));
  EXPECT_REFUSED(asker.get(10), ErrorKind::busy, "ask again later");
  held.clear();
  EXPECT_EQ(asker.cache.bytes(), 0U);  // to make room, what was kept was let go
  EXPECT_NE(asker.get(10), nullptr);
  EXPECT_REFUSED(asker.cache.get("x", []() -> Held { fail(ErrorKind::bad_input, "no schema"); }),
                 ErrorKind::bad_input, "no schema");
  EXPECT_EQ(asker.cache.bytes(), one);
}

// As the largest forms are: they are not kept, but they are counted.
TEST(GrammarCache, CountsWhatIsTooLongToBeKept) {
  GrammarCache cache;
  const std::string form(2 << 20, 'x');
  const Held held = cache.get(form, [] { return compiled(1); });
  EXPECT_EQ(cache.bytes(), held->bytes());
}

TEST(GrammarCache, AGrammarOutlivesTheCache) {
  Held held;
  {
    GrammarCache cache;
    held = cache.get("x", [] { return compiled(1); });
  }
  EXPECT_TRUE(held->matches("\"a\""));
}

}  // namespace
}  // namespace nestor::serve
