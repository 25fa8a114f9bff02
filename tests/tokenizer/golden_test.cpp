// What the reference makes of texts and ids, folder by folder (tests/data/tokenizer/README.md).
#include <gtest/gtest.h>

#include <filesystem>

#include "base/json.h"
#include "support/paths.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace nestor::tokenizer {
namespace {

const std::filesystem::path kData = nestor::testing::test_data_folder() / "tokenizer";
constexpr std::uint64_t kMaxBytes = 64 << 20;

using Ids = std::vector<TokenId>;

// The value of a key that may be left out when it equals something else.
template <typename T>
T value_or(const Json& object, const char* key, const T& otherwise) {
  return object.contains(key) ? object.at(key).get<T>() : otherwise;
}

class Golden : public ::testing::TestWithParam<const char*> {
 protected:
  Golden() : tokenizer_(Tokenizer::load(kData / GetParam() / "tokenizer.json")) {
    Json expected = read_json(kData / GetParam() / "expected.json", kMaxBytes);
    if (expected.contains("same_as")) {
      expected = read_json(kData / expected.at("same_as").get<std::string>() / "expected.json", kMaxBytes);
    }
    expected_ = std::move(expected);
  }

  void check_stream(const Ids& ids, const Json& c) {
    const auto pieces = c.at("pieces").get<std::vector<std::string>>();
    ASSERT_EQ(pieces.size(), ids.size());
    StreamDecoder stream(tokenizer_, ControlText::keep);
    for (std::size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(stream.push(ids[i]), pieces[i]) << "token " << i;
    EXPECT_EQ(stream.finish(), value_or<std::string>(c, "tail", ""));
  }

  Tokenizer tokenizer_;
  Json expected_;
};

TEST_P(Golden, TextsAndTheirIds) {
  EXPECT_EQ(tokenizer_.vocab_size(), expected_.at("vocab_size").get<std::int64_t>());
  ASSERT_GT(expected_.at("cases").size(), 200U);
  for (const Json& c : expected_.at("cases")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto text = c.at("text").get<std::string>();
    const auto ids = c.at("ids").get<Ids>();
    const Ids ids_special = value_or(c, "ids_special", ids);
    EXPECT_EQ(tokenizer_.encode(text, PostProcess::omit, ControlTokens::everywhere()), ids);
    EXPECT_EQ(tokenizer_.encode(text, PostProcess::add, ControlTokens::everywhere()), ids_special);
    EXPECT_LE(tokenizer_.least_ids(text.size()), ids.size());
    for (const std::size_t most : {std::size_t{0}, ids.size() / 2, ids.size()}) {
      const Ids some = tokenizer_.encode(text, PostProcess::omit, ControlTokens::everywhere(), most);
      EXPECT_EQ(some.size() > most, ids.size() > most);
      EXPECT_TRUE(some.size() <= ids.size() && std::equal(some.begin(), some.end(), ids.begin()));
    }
    const Ids plain = value_or(c, "ids_plain", ids);
    EXPECT_EQ(tokenizer_.encode(text, PostProcess::omit, ControlTokens::nowhere()), plain);
    EXPECT_EQ(tokenizer_.encode(text, PostProcess::omit, ControlTokens::within({})), plain);
    EXPECT_EQ(tokenizer_.encode(text, PostProcess::omit, ControlTokens::within({{0, text.size()}})), ids);
    EXPECT_EQ(tokenizer_.decode(ids_special, ControlText::keep), value_or(c, "decoded", text));
    EXPECT_EQ(tokenizer_.decode(ids_special, ControlText::skip), value_or(c, "decoded_skip", text));
    if (c.contains("pieces")) check_stream(ids, c);
  }
}

TEST_P(Golden, IdsAndTheirTexts) {
  ASSERT_FALSE(expected_.at("decode_cases").empty());
  for (const Json& c : expected_.at("decode_cases")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    // Ids beyond 2^31 exist in the reference's tests only as "unknown"; -1 is as unknown to us.
    Ids ids;
    for (const Json& id : c.at("ids")) {
      const auto wide = id.get<std::int64_t>();
      ids.push_back(wide > INT32_MAX ? -1 : static_cast<TokenId>(wide));
    }
    EXPECT_EQ(tokenizer_.decode(ids, ControlText::keep), c.at("decoded").get<std::string>());
    EXPECT_EQ(tokenizer_.decode(ids, ControlText::skip), c.at("decoded_skip").get<std::string>());
    if (c.contains("pieces")) check_stream(ids, c);
    if (!c.contains("prefixes")) continue;
    for (std::size_t n = 1; n <= ids.size(); ++n) {
      EXPECT_EQ(tokenizer_.decode(std::span(ids).first(n), ControlText::keep),
                c.at("prefixes").at(n - 1).get<std::string>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, Golden,
                         ::testing::Values("longcat", "longcat_pairs", "gpt2_nfc_prefix",
                                           "llama3_ignore_merges", "qwen_added", "digits_gpt2",
                                           "nfkc_lower_punct", "cased_invert", "partial_unk"),
                         [](const auto& folder) { return std::string(folder.param); });

TEST(Golden, StoryPrompts) {
  const Tokenizer tokenizer = Tokenizer::load(kData / "story" / "tokenizer.json");
  const Json cases = read_json(kData / "story" / "cases.json", kMaxBytes);
  ASSERT_FALSE(cases.empty());
  for (const Json& c : cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    EXPECT_EQ(
        tokenizer.encode(c.at("prompt").get<std::string>(), PostProcess::omit, ControlTokens::everywhere()),
        c.at("ids").get<Ids>());
    EXPECT_EQ(tokenizer.decode(c.at("greedy").get<Ids>(), ControlText::keep),
              c.at("text").get<std::string>());
  }
}

}  // namespace
}  // namespace nestor::tokenizer
