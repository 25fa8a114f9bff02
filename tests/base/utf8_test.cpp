#include "base/utf8.h"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Utf8, EveryScalarValueSurvivesTheRoundTrip) {
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const Utf8Char back = decode_utf8(text, 0);
    ASSERT_TRUE(back.valid) << c;
    ASSERT_EQ(back.code_point, c);
    ASSERT_EQ(back.length, text.size());
    ASSERT_EQ(unfinished_utf8_suffix(text), 0U) << c;
    for (std::size_t n = 1; n < text.size(); ++n)
      ASSERT_EQ(unfinished_utf8_suffix(text.substr(0, n)), n) << c;
  }
}

// The examples of Unicode 15, tables 3-8 to 3-11: one U+FFFD per maximal ill-formed subpart.
TEST(Utf8, MaximalSubpartsBecomeOneReplacementEach) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(sanitized_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(sanitized_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(sanitized_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(sanitized_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

TEST(Utf8, ABrokenLeadIsNotUnfinished) {
  EXPECT_EQ(unfinished_utf8_suffix("a\x80"), 0U);
  EXPECT_EQ(unfinished_utf8_suffix("\xE0\x80"), 0U);  // overlong: nothing can complete it
  EXPECT_EQ(unfinished_utf8_suffix("\xED\xA0"), 0U);  // a surrogate
  EXPECT_EQ(unfinished_utf8_suffix(""), 0U);
}

}  // namespace
}  // namespace nestor
