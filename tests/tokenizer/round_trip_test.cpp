// Without a normalizer, and with every byte in the vocabulary, decoding undoes encoding for any text.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"
#include "base/utf8.h"
#include "small_tokenizer.h"
#include "support/paths.h"

namespace nestor::tokenizer {
namespace {

std::string random_text(std::uint64_t round) {
  std::string text;
  const auto length = static_cast<std::uint64_t>(uniform(1, round, 0) * 80);
  for (std::uint64_t i = 1; i <= length; ++i) {
    const double kind = uniform(2, round, i);
    const double which = uniform(3, round, i);
    if (kind < 0.1) {
      text += "<longcat_user>";
    } else if (kind < 0.3) {
      text += " \n\r\t"[static_cast<std::size_t>(which * 4)];
    } else if (kind < 0.7) {
      text += static_cast<char>(which * 128);
    } else {
      append_utf8(text, static_cast<std::uint32_t>(which * (kind < 0.9 ? 0xD800 : 0x110000)));
    }
  }
  return text;
}

TEST(RoundTrip, RandomText) {
  const auto data = nestor::testing::test_data_folder() / "tokenizer";
  for (const char* folder : {"longcat", "llama3_ignore_merges", "cased_invert", "digits_gpt2", "story"}) {
    const Tokenizer t = Tokenizer::load(data / folder / "tokenizer.json");
    for (std::uint64_t round = 0; round < 500; ++round) {
      const std::string text = random_text(round);
      for (const ControlTokens& control : {ControlTokens::everywhere(), ControlTokens::nowhere()}) {
        const auto ids = t.encode(text, PostProcess::omit, control);
        ASSERT_EQ(t.decode(ids, ControlText::keep), text) << folder << ", round " << round;
      }
    }
  }
}

TEST(RoundTrip, BytesOfTokensJoinToTheText) {
  const Tokenizer t = SmallTokenizer().merge("h", "e").merge("he", "Ġ").build();
  std::string bytes;
  for (const TokenId id : t.encode("he he 中", PostProcess::omit, ControlTokens::nowhere()))
    bytes += t.bytes_of(id);
  EXPECT_EQ(bytes, "he he 中");
  EXPECT_EQ(t.bytes_of(t.id_of("he").value()), "he");
  EXPECT_EQ(t.bytes_of(9999), "");
  EXPECT_EQ(t.content_of(9999), std::nullopt);
  EXPECT_EQ(t.content_of(t.id_of("heĠ").value()), "heĠ");
}

}  // namespace
}  // namespace nestor::tokenizer
