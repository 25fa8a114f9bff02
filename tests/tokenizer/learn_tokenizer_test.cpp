// Whole tokenizers learned from documents: what the reference learns from the same texts, the family's
// layout, and that our own loader reads what was written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/json.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "support/silent_progress.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/learn_tokenizer.h"
#include "tokenizer/longcat_family.h"
#include "tokenizer/tokenizer.h"

namespace nestor::tokenizer {
namespace {

const std::filesystem::path kData = nestor::testing::test_data_folder() / "tokenizer";
constexpr std::uint64_t kMaxBytes = 64 << 20;
constexpr std::int64_t kLeast = 17 + 256;

std::vector<std::string> golden_texts() {
  std::vector<std::string> texts;
  const Json expected = read_json(kData / "longcat" / "expected.json", kMaxBytes);
  for (const Json& c : expected.at("cases")) texts.push_back(c.at("text"));
  return texts;
}

LearnedTokenizer learn(const std::vector<std::string>& documents, const LearnOptions& options) {
  TokenizerLearner learner(options);
  for (const std::string& document : documents) learner.add(document);
  testing::SilentProgress progress;
  return learner.learn(progress, {});
}

std::vector<std::string> merges_of(const Json& json) {
  std::vector<std::string> merges;
  for (const Json& m : json["model"]["merges"]) {
    merges.push_back(m[0].get<std::string>() + " " + m[1].get<std::string>());
  }
  return merges;
}

// Numbers change, the cut of texts does not.
TEST(LearnTokenizer, RandomIdsArePermuted) {
  const std::vector<std::string> texts = golden_texts();
  const auto learned = [&](std::optional<std::uint64_t> seed) {
    return parse_json(learn(texts, {.vocab_size = kLeast + 40, .id_seed = seed}).json, "learned");
  };
  const auto tokens = [](const Json& json) {
    std::vector<std::string> names;
    for (const auto& [token, id] : json["model"]["vocab"].items()) {
      EXPECT_EQ(id, names.size());
      names.push_back(token);
    }
    return names;
  };
  const Json plain = learned({}), five = learned(5);
  auto in_order = tokens(plain), permuted = tokens(five);
  EXPECT_NE(in_order, permuted);
  EXPECT_NE(tokens(learned(6)), permuted);
  EXPECT_EQ(tokens(learned(5)), permuted);
  EXPECT_TRUE(std::equal(in_order.begin(), in_order.begin() + 17, permuted.begin()));  // control tokens
  EXPECT_EQ(merges_of(plain), merges_of(five));
  std::ranges::sort(in_order);
  std::ranges::sort(permuted);
  EXPECT_EQ(in_order, permuted);
}

// tests/data/tokenizer/README.md says how this was made.
TEST(LearnTokenizer, EqualsWhatTheReferenceLearns) {
  const std::vector<std::string> texts = golden_texts();
  const Json expected = read_json(kData / "learned" / "expected.json", kMaxBytes);
  ASSERT_EQ(expected["cases"].size(), 2U);
  for (const Json& golden : expected["cases"]) {
    const Json json = parse_json(
        learn(texts, {.vocab_size = golden["vocab_size"], .min_count = golden["min_count"]}).json, "learned");
    std::vector<std::string> tokens;
    for (const auto& [token, id] : json["model"]["vocab"].items()) {
      EXPECT_EQ(id, tokens.size());
      tokens.push_back(token);
    }
    EXPECT_EQ(tokens, golden["tokens"].get<std::vector<std::string>>());
    EXPECT_EQ(merges_of(json), golden["merges"].get<std::vector<std::string>>());
  }
}

TEST(LearnTokenizer, TheLayoutIsThatOfThePublishedTokenizer) {
  const Json json = parse_json(learn({}, {.vocab_size = kLeast}).json, "learned");
  const Json published = read_json(kData / "longcat" / "tokenizer.json", kMaxBytes);
  const Json bundled = read_json(kData / "story" / "tokenizer.json", kMaxBytes);
  EXPECT_EQ(json["pre_tokenizer"], published["pre_tokenizer"]);
  for (const auto& [key, value] : bundled.items()) {
    if (key == "model") continue;
    EXPECT_EQ(json[key], value) << key;
  }
  for (const auto& [key, value] : bundled["model"].items()) {
    if (key == "vocab" || key == "merges") continue;
    EXPECT_EQ(json["model"][key], value) << key;
  }
  EXPECT_EQ(json.size(), bundled.size());
  EXPECT_EQ(json["model"].size(), bundled["model"].size());
}

TEST(LearnTokenizer, RoundTripThroughTheLoader) {
  const std::vector<std::string> texts = golden_texts();
  const LearnedTokenizer learned = learn(texts, {.vocab_size = 1000});
  const Tokenizer tokenizer = Tokenizer::parse(learned.json, "learned");
  EXPECT_EQ(tokenizer.vocab_size(), 1000);
  EXPECT_EQ(tokenizer.max_id(), 999);
  std::int64_t bytes = 0;
  std::int64_t tokens = 0;
  for (const std::string& text : texts) {
    const auto ids = tokenizer.encode(text, PostProcess::add, ControlTokens::nowhere());
    EXPECT_EQ(tokenizer.decode(ids, ControlText::keep), text);
    bytes += static_cast<std::int64_t>(text.size());
    tokens += static_cast<std::int64_t>(ids.size());
  }
  EXPECT_EQ(learned.text_bytes, bytes);
  EXPECT_EQ(learned.text_tokens, tokens);
}

TEST(LearnTokenizer, BytesEncodeWhatTheTextLacks) {
  const Tokenizer tokenizer = Tokenizer::parse(learn({"aa aa"}, {.vocab_size = kLeast + 1}).json, "learned");
  EXPECT_EQ(tokenizer.id_of("aa"), kLeast);
  const std::string text = "ein Wörtchen, 你好 \U0001F600\r\n";
  const auto ids = tokenizer.encode(text, PostProcess::add, ControlTokens::everywhere());
  EXPECT_EQ(ids.size(), text.size());
  EXPECT_EQ(tokenizer.decode(ids, ControlText::keep), text);
}

TEST(LearnTokenizer, OrderOfDocumentsDoesNotMatter) {
  std::vector<std::string> texts = golden_texts();
  const std::string json = learn(texts, {.vocab_size = 900}).json;
  EXPECT_TRUE(learn(texts, {.vocab_size = 900}).json == json);
  std::ranges::reverse(texts);
  EXPECT_TRUE(learn(texts, {.vocab_size = 900}).json == json);
}

TEST(LearnTokenizer, ControlTokensAreWhereChatTemplatesLookForThem) {
  LearnOptions options{.vocab_size = kLeast + 2, .min_count = 1, .more_control_tokens = {"<|a|>", "<|b|>"}};
  const Tokenizer tokenizer = Tokenizer::parse(learn({}, options).json, "learned");
  const auto& family = longcat_control_tokens();
  ASSERT_EQ(family.size(), 17U);
  for (std::size_t id = 0; id < family.size(); ++id) {
    EXPECT_EQ(tokenizer.id_of(family[id]), static_cast<TokenId>(id));
    EXPECT_TRUE(tokenizer.is_special(static_cast<TokenId>(id)));
  }
  EXPECT_EQ(tokenizer.id_of("</longcat_s>"), 2);
  EXPECT_EQ(tokenizer.id_of("<|a|>"), 17);
  EXPECT_EQ(tokenizer.id_of("<|b|>"), 18);
  EXPECT_FALSE(tokenizer.is_special(19));
  EXPECT_EQ(tokenizer.content_of(19), "!");
  EXPECT_EQ(tokenizer.encode("<longcat_user>!<|b|>", PostProcess::add, ControlTokens::everywhere()),
            (std::vector<TokenId>{5, 19, 18}));
}

// What a control token is called can also be a word of the text; the word stays text.
TEST(LearnTokenizer, AControlTokenIsNeverLearnedFromText) {
  LearnOptions options{.vocab_size = kLeast + 4, .min_count = 1, .more_control_tokens = {"stop", "\u0120go"}};
  const Tokenizer tokenizer = Tokenizer::parse(learn({"stop stop go go go"}, options).json, "learned");
  EXPECT_EQ(tokenizer.id_of("stop"), 17);
  EXPECT_EQ(tokenizer.id_of("\u0120go"), 18);
  for (const TokenId id : tokenizer.encode("stop go", PostProcess::add, ControlTokens::nowhere())) {
    EXPECT_FALSE(tokenizer.is_special(id)) << id;
  }
}

TEST(LearnTokenizer, TooLittleTextNamesTheSizeThatItAllows) {
  EXPECT_REFUSED(learn({"ab ab cd"}, {.vocab_size = 300}), ErrorKind::bad_input,
                 "ask for at most 274 tokens");
  EXPECT_REFUSED(learn({"ab ab cd"}, {.vocab_size = 300, .min_count = 1}), ErrorKind::bad_input,
                 "a vocabulary of 277 tokens, not of 300");
  EXPECT_EQ(Tokenizer::parse(learn({"ab ab cd"}, {.vocab_size = 274}).json, "learned").vocab_size(), 274);
}

TEST(LearnTokenizer, Misuse) {
  EXPECT_REFUSED(learn({}, {.vocab_size = kLeast - 1}), ErrorKind::usage, "expected 273");
  EXPECT_REFUSED(learn({}, {.vocab_size = -1}), ErrorKind::usage, "expected 273");
  EXPECT_REFUSED(learn({}, {.vocab_size = TokenizerLearner::kMaxVocabSize + 1}), ErrorKind::usage,
                 "16777216");
  EXPECT_REFUSED(learn({}, {.vocab_size = 300, .min_count = 0}), ErrorKind::usage, "minimum");
  const auto with = [](const std::string& token) {
    return LearnOptions{.vocab_size = 300, .min_count = 1, .more_control_tokens = {token}};
  };
  EXPECT_REFUSED(learn({}, with("")), ErrorKind::usage, "control token");
  EXPECT_REFUSED(learn({}, with("a\xFF")), ErrorKind::usage, "UTF-8");
  EXPECT_REFUSED(learn({}, with("</longcat_s>")), ErrorKind::usage, "there already");
  EXPECT_REFUSED(learn({}, with("a")), ErrorKind::usage, "single character");
  EXPECT_REFUSED(learn({}, with("\u0120")), ErrorKind::usage, "single character");
  EXPECT_REFUSED(learn({"a\xC0"}, {.vocab_size = 300}), ErrorKind::bad_input, "UTF-8 at byte 1");
}

}  // namespace
}  // namespace nestor::tokenizer
