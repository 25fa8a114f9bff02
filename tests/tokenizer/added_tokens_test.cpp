#include "tokenizer/added_tokens.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace nestor::tokenizer {
namespace {

// The parts as one readable line: text in brackets, tokens as ids.
class Line : public AddedTokenSink {
 public:
  void take_text(std::string_view text) override { line_ += fmt::format("[{}]", text); }
  void take_token(TokenId id) override { line_ += fmt::format("{} ", id); }
  std::string line_;
};

struct Flags {
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
};

AddedToken token(TokenId id, const char* content, Flags flags = {}) {
  return {id, content, flags.single_word, flags.lstrip, flags.rstrip, flags.normalized, false};
}

std::string parts(std::vector<AddedToken> tokens, std::string_view text,
                  std::vector<NormalizerStep> steps = {}) {
  const AddedTokens added(std::move(tokens), Normalizer(std::move(steps)), "test");
  RegexScratch scratch;
  Line line;
  added.extract(text, ControlTokens::everywhere(), scratch, line);
  return line.line_;
}

TEST(AddedTokens, LeftmostThenLongest) {
  EXPECT_EQ(parts({token(1, "ab"), token(2, "abc"), token(3, "bcd")}, "xabcdabd"), "[x]2 [d]1 [d]");
  EXPECT_EQ(parts({token(1, "ab")}, "aab"), "[a]1 ");
  EXPECT_EQ(parts({}, "ab"), "[ab]");
  EXPECT_EQ(parts({token(1, "ab")}, ""), "");
}

TEST(AddedTokens, ARefusedMatchTakesUpItsText) {
  EXPECT_EQ(parts({token(1, "ab", {.single_word = true}), token(2, "b")}, "ab xab b"), "1 [ xab ]2 ");
}

TEST(AddedTokens, WordCharacters) {
  const std::vector<AddedToken> tokens = {token(1, "#", {.single_word = true})};
  for (const char* word : {"a", "_", "7", "\u2167", "\u24d0", "\u0301", "\u200d", "\u203f", "中"}) {
    EXPECT_EQ(parts(tokens, std::string(word) + "#"), fmt::format("[{}#]", word));
    EXPECT_EQ(parts(tokens, std::string("#") + word), fmt::format("[#{}]", word));
  }
  for (const char* other : {"-", " ", "\u00b2", "\u2603"}) {
    EXPECT_EQ(parts(tokens, std::string(other) + "#"), fmt::format("[{}]1 ", other));
  }
}

TEST(AddedTokens, WhiteSpace) {
  EXPECT_EQ(parts({token(1, "m", {.lstrip = true})}, "a \u2003m b"), "[a]1 [ b]");
  EXPECT_EQ(parts({token(1, "m", {.rstrip = true})}, "a m\n\u00a0 b"), "[a ]1 [b]");
  EXPECT_EQ(parts({token(1, "m", {.rstrip = true})}, "m\x1c"), "1 [\x1c]") << "no White_Space";
  // A token of white space inside white space that is taken: found again, unless nothing is left of it.
  EXPECT_EQ(parts({token(1, "m", {.rstrip = true}), token(2, "  ")}, "m   x"), "1 2 [ x]");
  EXPECT_EQ(parts({token(1, " ", {.lstrip = true, .rstrip = true})}, "a     b"), "[a]1 [b]");
}

TEST(AddedTokens, NormalizedContents) {
  const std::vector<NormalizerStep> lower = {Lowercase{}};
  EXPECT_EQ(parts({token(1, "CAT", {.normalized = true}), token(2, "Dog")}, "Cat cAt dog Dog", lower),
            "1 [ ]1 [ dog ]2 ");
  const std::vector<NormalizerStep> nfc = {UnicodeForm::nfc};
  EXPECT_EQ(parts({token(1, "e\u0301", {.normalized = true})}, "x\u00e9e\u0301", nfc), "[x]1 1 ");
}

}  // namespace
}  // namespace nestor::tokenizer
