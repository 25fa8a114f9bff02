#include "tokenizer/normalizer.h"

#include <gtest/gtest.h>
#include <unicode/normalizer2.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>

#include "base/random.h"
#include "base/utf8.h"

namespace nestor::tokenizer {
namespace {

std::string normalized(std::string_view text, std::vector<NormalizerStep> steps,
                       Origins origins = Origins::forget) {
  RewrittenText rewritten(text, 0, origins);
  RegexScratch scratch;
  Normalizer(std::move(steps)).apply(rewritten, scratch);
  return std::string(rewritten.text());
}

std::string by_icu(const std::string& text, UnicodeForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* icu_form = form == UnicodeForm::nfc ? icu::Normalizer2::getNFCInstance(status)
                                                  : icu::Normalizer2::getNFKCInstance(status);
  std::string out;
  // The reference's tables are Unicode 9's.
  const icu::UnicodeSet known("[:age=9.0:]", status);
  const icu::FilteredNormalizer2 filtered(*icu_form, known);
  const icu::Normalizer2& form_of_known = filtered;
  form_of_known.normalize(icu::UnicodeString::fromUTF8(text), status).toUTF8String(out);
  EXPECT_FALSE(U_FAILURE(status));
  return out;
}

// Letters, marks of many classes, Hangul parts, compatibility characters, and anything at all.
std::uint32_t random_character(double kind, double which) {
  constexpr std::uint32_t kRanges[][2] = {{0x41, 0x5A},       {0xC0, 0x24F},    {0x300, 0x36F},
                                          {0x1100, 0x11FF},   {0xAC00, 0xAC80}, {0x1E00, 0x1EFF},
                                          {0x900, 0x97F},     {0xFB00, 0xFB50}, {0x590, 0x5C7},
                                          {0x1D15E, 0x1D1C0}, {0x2100, 0x2200}, {0x80, 0x2FFFF}};
  const auto& range = kRanges[static_cast<std::size_t>(kind * std::size(kRanges))];
  const auto c = range[0] + static_cast<std::uint32_t>(which * (range[1] - range[0]));
  return c >= 0xD800 && c < 0xE000 ? 0x301 : c;
}

// What tokenizers 0.23.3 answers, whose tables are Unicode 9's: marks, compositions and compatibility
// characters that came later stay as they are.
TEST(Normalizer, CharactersAfterUnicode9StayAsTheyAre) {
  const auto text = [](std::initializer_list<std::uint32_t> points) {
    std::string out;
    for (const std::uint32_t c : points) append_utf8(out, c);
    return out;
  };
  for (const std::string& same :
       {text({0x32FF}), text({0xA7F2}), text({0xAB69}), text({0x10781}), text({0x1F16C}), text({0x1FBF5}),
        text({0x1E030}), text({0x1CCD6}), text({0x11935, 0x11930}), text({'a', 0x345, 0x897}),
        text({'a', 0x345, 0x1DF6})}) {
    EXPECT_EQ(normalized(same, {UnicodeForm::nfc}), same);
  }
  EXPECT_EQ(normalized(text({0x32FF, 0x1FBF5, 0x1E030}), {UnicodeForm::nfkc}),
            text({0x32FF, 0x1FBF5, 0x1E030}));
  EXPECT_EQ(normalized(text({0x32FE, 0xFB01}), {UnicodeForm::nfkc}), text({0x30F2, 'f', 'i'}));
  EXPECT_EQ(normalized(text({'a', 0x345, 0x1E944}), {UnicodeForm::nfc}),
            text({'a', 0x1E944, 0x345}));  // of Unicode 9
}

TEST(Normalizer, FormsEqualIcusOnRandomText) {
  for (std::uint64_t round = 0; round < 3000; ++round) {
    std::string text;
    const auto length = static_cast<std::uint64_t>(uniform(1, round, 0) * 24);
    for (std::uint64_t i = 1; i <= length; ++i) {
      append_utf8(text, random_character(uniform(2, round, i), uniform(3, round, i)));
    }
    for (const UnicodeForm form : {UnicodeForm::nfc, UnicodeForm::nfkc}) {
      ASSERT_EQ(normalized(text, {form}), by_icu(text, form)) << text;
      ASSERT_EQ(normalized(text, {form}, Origins::track), by_icu(text, form)) << text;
    }
  }
}

TEST(Normalizer, LowercaseIsPerCharacter) {
  EXPECT_EQ(normalized("ΑΣ İ ẞ ǅ Ⅷ Ⓐ", {Lowercase{}}), "ασ i\u0307 ß ǆ ⅷ ⓐ");
}

TEST(Normalizer, ReplaceInOrder) {
  const auto literal = [](const char* text, const char* by) {
    return Replace{Regex::literal(text, "t"), by};
  };
  EXPECT_EQ(normalized("a...b", {literal("..", "-"), literal("-", "$1")}), "a$1.b");
  EXPECT_EQ(normalized("aaa", {Replace{Regex("a+", "t"), ""}}), "");
}

TEST(Normalizer, Origins) {
  RewrittenText text("ABe\u0301C--D", 100, Origins::track);
  RegexScratch scratch;
  Normalizer({Lowercase{}, UnicodeForm::nfc, Replace{Regex::literal("--", "t"), "="}}).apply(text, scratch);
  ASSERT_EQ(text.text(), "ab\u00e9c=d");
  const auto origin = [&](std::size_t begin, std::size_t end) {
    const TextSpan span = text.origin_of({begin, end});
    return std::pair(span.begin, span.end);
  };
  EXPECT_EQ(origin(0, 1), std::pair(std::size_t{100}, std::size_t{101}));
  EXPECT_EQ(origin(2, 4), std::pair(std::size_t{102}, std::size_t{105}));
  EXPECT_EQ(origin(3, 4), std::pair(std::size_t{102}, std::size_t{105}));
  EXPECT_EQ(origin(5, 6), std::pair(std::size_t{106}, std::size_t{108}));
  EXPECT_EQ(origin(6, 7), std::pair(std::size_t{108}, std::size_t{109}));
}

}  // namespace
}  // namespace nestor::tokenizer
