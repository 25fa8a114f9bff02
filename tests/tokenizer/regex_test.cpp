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

// What tokenizers 0.23.3 answers, whose Oniguruma has Unicode 16: classes hold characters that came after
// Unicode 14, which is what Debian 12 has.
TEST(Regex, ClassesHoldTheCharactersOfUnicode16) {
  struct Case {
    const char* category;
    const char* text;
  };
  const Case cases[] = {{"So", "\U0001FAE8"}, {"Lo", "\U00031350"}, {"Lo", "\U0002EBF0"},
                        {"Lu", "\U00010D50"}, {"Ll", "\uA7CD"},     {"Lm", "\U0001E030"},
                        {"Nd", "\U00011F50"}, {"No", "\U0001D2C0"}, {"Po", "\U00011F43"},
                        {"Mn", "\u0897"},     {"Mc", "\u0CF3"},     {"Cf", "\U00013439"},
                        {"Han", "\U00031350"}};
  for (const auto& [category, text] : cases) {
    const std::string name = category, found = fmt::format("1-{} ", 1 + std::string_view(text).size());
    const std::string all = "a" + std::string(text) + "a";
    for (const std::string& pattern : {"\\p{" + name + "}", "[\\p{" + name + "}]", "[\\p{" + name + "}!]",
                                       "[^\\P{" + name + "}]", std::string("[^a]")}) {
      EXPECT_EQ(matches(Regex(pattern + "(?<!a)", "t"), all), found) << pattern;
    }
    if (name != "Han")
      EXPECT_EQ(matches(Regex("\\p{" + name.substr(0, 1) + "}(?<!a)", "t"), all), found) << name;
    for (const std::string& pattern : {"\\P{" + name + "}", "[^\\p{" + name + "}]", "\\p{^" + name + "}",
                                       "[\\P{" + name + "}]", "[\\p{^" + name + "}!]"}) {
      EXPECT_EQ(matches(Regex(pattern + "(?<!a)", "t"), all), "") << pattern;
    }
  }
  EXPECT_EQ(matches(Regex("\\p{Uppercase_Letter}|\\p{lu}", "t"), "\U00010D50"), "0-4 ");
  EXPECT_EQ(matches(Regex("\\w\\W|\\d", "t"), "\U00010D50 \U00011F50"), "0-5 5-9 ");
  EXPECT_EQ(matches(Regex("[[:punct:]]", "t"), "\U0001FAE8"), "0-4 ");
  EXPECT_EQ(matches(Regex("\\\\p", "t"), "\\p{L}"), "0-2 ") << "an escaped backslash is no class";
  // GPT-2's: a new symbol goes with the blank before it, a new letter with letters.
  EXPECT_EQ(matches(Regex(" ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+", "t"), "a\U00031350 \U0001FAE8"),
            "0-5 5-10 ");
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
