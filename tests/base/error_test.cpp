#include "base/error.h"
#include "base/printable.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace nestor {
namespace {

TEST(Error, QuotedTextIsPrintableAndBounded) {
  EXPECT_EQ(in_quotes("a\"b\\c\n\x7f\xff"), R"("a\"b\\c\x0a\x7f\xff")");
  EXPECT_EQ(in_quotes("h\xC3\xA9"), "\"h\xC3\xA9\"");
  EXPECT_EQ(in_quotes("a\xC2\x9B"
                      "31m\xC2\x80\xC2\xA0"),
            "\"a\\xc2\\x9b31m\\xc2\\x80\xC2\xA0\"");
  EXPECT_LT(in_quotes(std::string(100000, 'x')).size(), 200U);
}

// Of all control characters, every other one is a command to some terminal.
TEST(Error, OfLongTextBothEndsArePrintable) {
  for (const std::size_t size : {0U, 1U, 29U, 30U})
    EXPECT_EQ(printable_ends(std::string(size, 'x'), 30), std::string(size, 'x'));
  EXPECT_EQ(printable_ends("Value " + std::string(5000, '7') + " is too large", 30),
            "Value 77777777777777 ...  too large");
  EXPECT_EQ(printable_ends("\n" + std::string(5000, 'x') + "\x9b", 30),
            "\\x0a" + std::string(19, 'x') + " ... " + std::string(9, 'x') + "\\x9b");
}

TEST(Error, NoControlCharacterIsPrintable) {
  for (std::uint32_t c = 0; c < 0x100; ++c) {
    std::string text;
    append_utf8(text, c);
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    EXPECT_EQ(printable(text) != text, control) << c;
    EXPECT_EQ(printable(text).find(text) == std::string::npos, control) << c;
  }
  EXPECT_EQ(printable("a\x1B[31m\nb\xFF"), R"(a\x1b[31m\x0ab\xff)");
}

}  // namespace
}  // namespace nestor
