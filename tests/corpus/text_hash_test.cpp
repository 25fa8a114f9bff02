#include "corpus/text_hash.h"

#include <gtest/gtest.h>

#include <set>

namespace nestor::testing {
namespace {

using corpus::hash_of;

// Published values of MurmurHash3_x64_128 with seed 0.
TEST(TextHash, KnownValues) {
  EXPECT_EQ(to_hex(hash_of("")), "00000000000000000000000000000000");
  EXPECT_EQ(to_hex(hash_of("The quick brown fox jumps over the lazy dog")),
            "e34bbc7bbc071b6c7a433ca9c49a9347");
  EXPECT_EQ(to_hex(hash_of("The quick brown fox jumps over the lazy cog")),
            "658ca970ff85269a43fee3eaa68e5c3e");
}

TEST(TextHash, EveryByteAndTheLengthCount) {
  std::set<std::string> seen;
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string zeros(length, '\0');
    seen.insert(to_hex(hash_of(zeros)));
    for (std::size_t i = 0; i < length; ++i) {
      std::string text = zeros;
      text[i] = '\x80';
      seen.insert(to_hex(hash_of(text)));
    }
  }
  EXPECT_EQ(seen.size(), 40U + 40U * 39U / 2U);
}

}  // namespace
}  // namespace nestor::testing
