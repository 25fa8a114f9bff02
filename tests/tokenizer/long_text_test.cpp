// Texts on which a careless tokenizer takes quadratic time. Nothing is timed: with 1 MiB, quadratic work
// takes hours.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "small_tokenizer.h"
#include "support/paths.h"

namespace nestor::tokenizer {
namespace {

constexpr std::size_t kBytes = 1 << 20;

std::string repeated(std::string_view part) {
  std::string text;
  while (text.size() < kBytes) text += part;
  return text;
}

TEST(LongText, RunsOfOneThing) {
  const auto data = nestor::testing::test_data_folder() / "tokenizer";
  for (const char* folder : {"longcat", "qwen_added"}) {
    const Tokenizer t = Tokenizer::load(data / folder / "tokenizer.json");
    for (const char* part : {"a", " ", "\n", "7", "!", "中", "\u0301", "\t x", "<|a|", "\u1100\u1161"}) {
      const auto ids = t.encode(repeated(part), PostProcess::omit, ControlTokens::everywhere());
      EXPECT_FALSE(ids.empty()) << folder << " " << part;
    }
  }
}

TEST(LongText, ATextHasAtLeastItsBytesByTheLongestToken) {
  EXPECT_EQ(SmallTokenizer().build().least_ids(0), 0U);
  EXPECT_EQ(SmallTokenizer().build().least_ids(9), 3U);  // an unknown character would have four bytes
  SmallTokenizer merged;
  merged.merge("a", "a").merge("aa", "aa").merge("aaaa", "aaaa");
  EXPECT_EQ(merged.build().least_ids(80), 10U);
  EXPECT_EQ(merged.build().least_ids(81), 11U);
  EXPECT_EQ(SmallTokenizer().merge("\u0120", "\u0120").build().least_ids(80), 20U);  // each a blank
  EXPECT_EQ(SmallTokenizer().add("<|special|>", {"special"}).build().least_ids(22), 2U);
  EXPECT_EQ(SmallTokenizer().add("\u0120\u0120\u0120", {}).build().least_ids(12), 2U);  // as it is in a text
}

// Where bytes may vanish, no number of them tells anything.
TEST(LongText, WithoutALongestTokenThereIsNoLeastNumber) {
  const std::vector<SmallTokenizer> unbounded = {
      SmallTokenizer().set("/normalizer", R"({"type": "NFC"})"),
      SmallTokenizer().set("/normalizer",
                           R"({"type": "Replace", "pattern": {"String": " "}, "content": ""})"),
      SmallTokenizer().add("<a>", {"lstrip"}),
      SmallTokenizer().add("<a>", {"rstrip"}),
      SmallTokenizer().set("/pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})"),
      SmallTokenizer().set("/model/vocab", R"({"a": 0})"),
  };
  for (const SmallTokenizer& t : unbounded) EXPECT_EQ(t.build().least_ids(std::size_t{1} << 30), 0U);
}

TEST(LongText, NoMoreIsEncodedThanWasAskedFor) {
  const Tokenizer t = SmallTokenizer().build();
  std::string text = repeated("a b ");
  text += "\xff";  // not looked at by BPE: the check of the text comes before
  EXPECT_THROW(t.encode(text, PostProcess::omit, ControlTokens::nowhere(), 10), Error);
  text.pop_back();
  const auto ids = t.encode(text, PostProcess::omit, ControlTokens::nowhere(), 10);
  EXPECT_GT(ids.size(), 10U);
  EXPECT_LT(ids.size(), 20U);
}

TEST(LongText, MarksOutOfOrder) {
  const Tokenizer t = SmallTokenizer().set("/normalizer", R"({"type": "NFC"})").build();
  std::string text(1, 'a');
  text += repeated("\u0301\u0323");  // above, below: all those below come first
  const auto ids = t.encode(text, PostProcess::omit, ControlTokens::nowhere());
  EXPECT_EQ(t.decode(ids, ControlText::keep).substr(0, 7), "\u1ea1\u0323\u0323");
}

TEST(LongText, ManyTokensInOneRunOfWhiteSpace) {
  const Tokenizer t = SmallTokenizer().add("\n", {"rstrip"}).add("<x>", {"lstrip", "rstrip"}).build();
  EXPECT_EQ(t.encode(repeated("\n"), PostProcess::omit, ControlTokens::nowhere()).size(), kBytes);
  EXPECT_FALSE(t.encode(repeated(" <x> "), PostProcess::omit, ControlTokens::nowhere()).empty());
}

TEST(LongText, ManySpans) {
  const Tokenizer t = SmallTokenizer().add("<x>", {"special"}).build();
  const std::string text = repeated("<x>");
  std::vector<TextSpan> spans;
  for (std::size_t i = 0; i + 3 <= text.size(); i += 6) spans.push_back({i, i + 3});
  const auto ids = t.encode(text, PostProcess::omit, ControlTokens::within(spans));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), t.id_of("<x>").value()),
            static_cast<std::ptrdiff_t>(spans.size()));
}

}  // namespace
}  // namespace nestor::tokenizer
