#include "tokenizer/split_behavior.h"

#include <gtest/gtest.h>

#include <string>

namespace nestor::tokenizer {
namespace {

// Splits at '-', one character a delimiter, and shows the pieces between bars.
std::string pieces(const std::string& text, SplitBehavior behavior) {
  std::vector<Part> parts;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '-') continue;
    if (done < i) parts.push_back({{done, i}, false});
    parts.push_back({{i, i + 1}, true});
    done = i + 1;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, false});
  join_parts(parts, behavior);
  std::string line = "|";
  for (const Part& part : parts) line += text.substr(part.span.begin, part.span.end - part.span.begin) + "|";
  return line;
}

TEST(SplitBehavior, TheFive) {
  using enum SplitBehavior;
  EXPECT_EQ(pieces("the-final--countdown", removed), "|the|final|countdown|");
  EXPECT_EQ(pieces("the-final--countdown", isolated), "|the|-|final|-|-|countdown|");
  EXPECT_EQ(pieces("the-final--countdown", contiguous), "|the|-|final|--|countdown|");
  EXPECT_EQ(pieces("the-final--countdown", merged_with_previous), "|the-|final-|-|countdown|");
  EXPECT_EQ(pieces("the-final--countdown", merged_with_next), "|the|-final|-|-countdown|");
  EXPECT_EQ(pieces("--a--", contiguous), "|--|a|--|");
  EXPECT_EQ(pieces("--a--", merged_with_previous), "|-|-|a-|-|");
  EXPECT_EQ(pieces("--a--", merged_with_next), "|-|-a|-|-|");
  EXPECT_EQ(pieces("", contiguous), "|");
}

}  // namespace
}  // namespace nestor::tokenizer
