// Classes of characters, by what tokenizers 0.23.3 does with each of them alone between two letters.
#include "tokenizer/characters.h"

#include <gtest/gtest.h>

namespace nestor::tokenizer {
namespace {

TEST(Characters, NumbersAreThoseOfUnicode17) {
  for (const std::uint32_t c : {0x30U, 0xB2U, 0x2167U, 0x10D40U, 0x11BF0U, 0x11DE9U, 0x11F50U, 0x16130U,
                                0x16D70U, 0x16FF4U, 0x1CCF0U, 0x1D2C0U, 0x1E4F0U, 0x1E5FAU}) {
    EXPECT_TRUE(is_numeric(c)) << c;
  }
  for (const std::uint32_t c : {0x41U, 0x10D3FU, 0x10D4AU, 0x1E5FBU}) EXPECT_FALSE(is_numeric(c)) << c;
}

TEST(Characters, PunctuationIsThatOfUnicode8) {
  for (const std::uint32_t c : {0x21U, 0x24U, 0x7EU, 0xA1U, 0x3001U, 0x166DU, 0x111C9U, 0xA8FCU}) {
    EXPECT_TRUE(is_punctuation(c)) << c;
  }
  for (const std::uint32_t c :
       {0x41U, 0xA3U, 0x61DU, 0x9FDU, 0x2E43U, 0x1145BU, 0x11660U, 0x1B4EU, 0x11F43U}) {
    EXPECT_FALSE(is_punctuation(c)) << c;
  }
}

TEST(Characters, SmallLettersAreThoseOfUnicode17) {
  const std::pair<std::uint32_t, std::uint32_t> pairs[] = {
      {'A', 'a'},         {0x3A3, 0x3C3},     {0x1C89, 0x1C8A},   {0xA7CB, 0x264},
      {0xA7CC, 0xA7CD},   {0xA7DC, 0x19B},    {0xA7CE, 0xA7CF},   {0xA7DA, 0xA7DB},
      {0x10D50, 0x10D70}, {0x10D65, 0x10D85}, {0x16EA0, 0x16EBB}, {0x16EB8, 0x16ED3}};
  for (const auto& [capital, small] : pairs) {
    EXPECT_EQ(lower_case(capital), small) << capital;
    EXPECT_EQ(lower_case(small), small) << small;
  }
}

}  // namespace
}  // namespace nestor::tokenizer
