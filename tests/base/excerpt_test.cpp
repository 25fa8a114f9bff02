#include "base/excerpt.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/utf8.h"

namespace nestor {
namespace {

TEST(Excerpt, ShortValuesStandAsTheyAre) {
  EXPECT_EQ(excerpt(Json(-1)), "-1");
  EXPECT_EQ(excerpt(Json::parse(R"({"a":[1,"x\n"]})")), R"({"a":[1,"x\n"]})");
}

TEST(Excerpt, LongValuesAreCutBetweenCharacters) {
  for (const std::size_t offset : {0U, 1U, 2U}) {
    std::string text(offset, 'x');
    for (int i = 0; i < 1000; ++i) text += "語";
    const std::string cut = excerpt(Json(text));
    EXPECT_LE(cut.size(), 103U);
    EXPECT_GE(cut.size(), 98U);
    EXPECT_TRUE(is_valid_utf8(cut));
    EXPECT_TRUE(cut.ends_with("語..."));
  }
}

TEST(Excerpt, NamesAreQuotedAndCounted) {
  EXPECT_EQ(excerpt(std::vector<std::string>{"a", "b\n"}), R"("a", "b\x0a")");
  const std::string many = excerpt(std::vector<std::string>(17, "k"));
  EXPECT_TRUE(many.ends_with("\"k\" and 7 more")) << many;
  EXPECT_EQ(std::count(many.begin(), many.end(), 'k'), 10);
}

}  // namespace
}  // namespace nestor
