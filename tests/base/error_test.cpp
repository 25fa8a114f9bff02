#include "base/error.h"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Error, QuotedTextIsPrintableAndBounded) {
  EXPECT_EQ(in_quotes("a\"b\\c\n\x7f\xff"), R"("a\"b\\c\x0a\x7f\xff")");
  EXPECT_EQ(in_quotes("h\xC3\xA9"), "\"h\xC3\xA9\"");
  EXPECT_LT(in_quotes(std::string(100000, 'x')).size(), 200U);
}

}  // namespace
}  // namespace nestor
