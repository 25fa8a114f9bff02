#include "tokenizer/stream_decoder.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/utf8.h"
#include "small_tokenizer.h"

namespace nestor::tokenizer {
namespace {

TEST(StreamDecoder, PiecesOfAnyIdsJoinToTheDecodedText) {
  const Tokenizer t = SmallTokenizer().add("<s>", {"special"}).add("中", {}).build();
  for (std::uint64_t round = 0; round < 2000; ++round) {
    // Lead and continuation bytes more often than others, so that characters begin, break off and end.
    std::vector<TokenId> ids;
    for (std::uint64_t i = 0; i < 20; ++i) {
      const double kind = uniform(1, round, i);
      const auto range = [&](int low, int high) {
        return low + static_cast<int>(uniform(2, round, i) * (high - low));
      };
      ids.push_back(kind < 0.4 ? range(0x80, 0xC0) : kind < 0.7 ? range(0xC0, 0x100) : range(0, 260));
    }
    for (const ControlText control : {ControlText::keep, ControlText::skip}) {
      StreamDecoder stream(t, control);
      std::string text;
      for (const TokenId id : ids) {
        const std::string piece = stream.push(id);
        ASSERT_TRUE(is_valid_utf8(piece));
        text += piece;
      }
      ASSERT_EQ(text + stream.finish(), t.decode(ids, control));
      ASSERT_EQ(stream.finish(), "") << "finish() starts anew";
    }
  }
}

TEST(StreamDecoder, ACharacterComesOutWhole) {
  const Tokenizer t = SmallTokenizer().build();
  StreamDecoder stream(t, ControlText::keep);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x98), "");
  EXPECT_EQ(stream.push(0x80), "😀");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.push('a'), "\uFFFDa");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

}  // namespace
}  // namespace nestor::tokenizer
