// Texts on which a careless tokenizer takes quadratic time. Nothing is timed: with 1 MiB, quadratic work
// takes hours.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

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
