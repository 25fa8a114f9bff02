#include "tokenizer/regex.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/refusal.h"

namespace nestor::tokenizer {
namespace {

std::string matches(const Regex& regex, std::string_view text) {
  std::string line;
  RegexScratch scratch;
  regex.for_each_match(text, scratch, [&](TextSpan m) { line += fmt::format("{}-{} ", m.begin, m.end); });
  return line;
}

TEST(Regex, MatchesFromLeftToRight) {
  EXPECT_EQ(matches(Regex("b+", "t"), "abbab"), "1-3 4-5 ");
  EXPECT_EQ(matches(Regex("\\s+(?!\\S)|\\s+", "t"), "a   b "), "1-3 3-4 5-6 ");
  EXPECT_EQ(matches(Regex("a", "t"), ""), "");
}

TEST(Regex, EmptyMatches) {
  EXPECT_EQ(matches(Regex("", "t"), "aé"), "0-0 1-1 3-3 ");
  EXPECT_EQ(matches(Regex("b*", "t"), "abbc"), "0-0 1-3 4-4 ") << "none right after a match";
  EXPECT_EQ(matches(Regex("", "t"), ""), "");
}

TEST(Regex, LiteralsAreNotPatterns) {
  EXPECT_EQ(matches(Regex::literal("a.[b]\\-", "t"), "axa.[b]\\-"), "2-9 ");
  EXPECT_EQ(matches(Regex::literal("$^|?*+(){}#&~", "t"), "$^|?*+(){}#&~"), "0-13 ");
}

TEST(Regex, PunctuationBracketHoldsSymbolsToo) {
  EXPECT_EQ(matches(Regex("[[:punct:]]", "t"), "a$+<😀!"), "1-2 2-3 3-4 4-8 8-9 ");
  EXPECT_EQ(matches(Regex("[^[:punct:]]", "t"), "$a"), "1-2 ");
  EXPECT_EQ(matches(Regex("[[:^punct:]]", "t"), "$a"), "1-2 ");
  EXPECT_EQ(matches(Regex("\\[[:punct:]]", "t"), "[$] [p]"), "4-7 ")
      << "a class of letters after an escaped bracket";
}

TEST(Regex, ABombIsAnError) {
  EXPECT_REFUSED(matches(Regex("^(?:(?:a|aa)+)+$", "here"), std::string(64, 'a') + 'c'), ErrorKind::limit,
                 "here: matching a text of 65 bytes");
}

TEST(Regex, PatternsThatDoNotCompile) {
  for (const char* pattern : {"(", "[a", "\\p{Nonsense}", "(?<n>a)\\k<m>", "*"}) {
    try {
      Regex regex(pattern, "here");
      EXPECT_STREQ(pattern, "*") << "it compiles";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::unsupported);
      EXPECT_NE(std::string(e.what()).find(pattern), std::string::npos) << e.what();
    }
  }
  EXPECT_THROW(Regex(std::string(100'000, 'a'), "here"), Error);
  EXPECT_THROW(Regex(std::string(60'000, '('), "here"), Error);
}

}  // namespace
}  // namespace nestor::tokenizer
