// Files that must be refused, with a message that names the trouble.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "tokenizer/tokenizer.h"

namespace nestor::tokenizer {
namespace {

const std::filesystem::path kData = nestor::testing::test_data_folder() / "tokenizer";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

TEST(Refusal, BadFiles) {
  const Json expected = read_json(kData / "bad" / "expected.json", 1 << 20);
  ASSERT_GE(expected.size(), 20U);
  for (const Json& c : expected) {
    const auto file = c.at("file").get<std::string>();
    SCOPED_TRACE(file);
    try {
      Tokenizer::load(kData / "bad" / file);
      ADD_FAILURE() << "it loads";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), c.at("kind") == "unsupported" ? ErrorKind::unsupported : ErrorKind::bad_input)
          << e.what();
      const auto& wanted = c.at("message_contains_any");
      EXPECT_TRUE(std::any_of(wanted.begin(), wanted.end(), [&](const Json& part) {
        return lower(e.what()).find(lower(part.get<std::string>())) != std::string::npos;
      })) << e.what();
    }
  }
}

// A small valid file, to be broken in one place at a time.
Json valid() {
  return parse_json(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 4, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
              "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
              "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": ["a b"]}})",
                    "valid");
}

void expect_refused(const Json& json, ErrorKind kind, const std::string& part) {
  const auto refusal = testing::refusal_of([&] { Tokenizer::parse(to_text(json), "t.json"); });
  ASSERT_TRUE(refusal) << "it loads; expected: " << part;
  EXPECT_EQ(refusal->kind, kind) << refusal->message;
  EXPECT_NE(refusal->message.find(part), std::string::npos) << refusal->message;
  EXPECT_TRUE(refusal->message.starts_with("t.json")) << refusal->message;
}

TEST(Refusal, TheValidFileLoads) {
  const Tokenizer t = Tokenizer::parse(to_text(valid()), "t.json");
  EXPECT_EQ(t.encode("ab <x>b", PostProcess::omit, ControlTokens::everywhere()),
            (std::vector<TokenId>{2, 3, 4, 1}));
}

TEST(Refusal, TruncationAndPaddingAreNotedAndChangeNoIds) {
  EXPECT_TRUE(Tokenizer::parse(to_text(valid()), "t.json").notes().empty());
  Json json = valid();
  json["truncation"] = {
      {"direction", "Right"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
  json["padding"] = {{"strategy", {{"Fixed", 16}}}, {"pad_id", 0}, {"pad_token", "<x>"}};
  const Tokenizer t = Tokenizer::parse(to_text(json), "t.json");
  EXPECT_EQ(t.encode("ab <x>b", PostProcess::omit, ControlTokens::everywhere()),
            (std::vector<TokenId>{2, 3, 4, 1}));
  ASSERT_EQ(t.notes().size(), 2U);
  EXPECT_TRUE(t.notes()[0].starts_with("t.json: truncation is set")) << t.notes()[0];
  EXPECT_TRUE(t.notes()[1].starts_with("t.json: padding is set")) << t.notes()[1];
}

TEST(Refusal, OptionsThatChangeIds) {
  const auto with = [](const char* pointer, const Json& value) {
    Json json = valid();
    json[Json::json_pointer(pointer)] = value;
    return json;
  };
  using enum ErrorKind;
  expect_refused(with("/version", "2.0"), unsupported, "2.0");
  expect_refused(with("/truncation", 5), bad_input, "truncation");
  expect_refused(with("/padding", "x"), bad_input, "padding");
  expect_refused(with("/surprise", 1), unsupported, "surprise");
  expect_refused(with("/model/surprise", 1), unsupported, "surprise");
  expect_refused(with("/pre_tokenizer/surprise", 1), unsupported, "surprise");
  expect_refused(with("/added_tokens/0/surprise", 1), unsupported, "surprise");
  expect_refused(with("/decoder", nullptr), unsupported, "decoder");
  expect_refused(with("/decoder/type", "WordPiece"), unsupported, "WordPiece");
  expect_refused(with("/model/dropout", 0.1), unsupported, "dropout");
  expect_refused(with("/model/byte_fallback", true), unsupported, "byte_fallback");
  expect_refused(with("/model/continuing_subword_prefix", "##"), unsupported, "continuing_subword_prefix");
  expect_refused(with("/model/end_of_word_suffix", "</w>"), unsupported, "end_of_word_suffix");
  expect_refused(with("/normalizer", {{"type", "NFD"}}), unsupported, "NFD");
  expect_refused(with("/pre_tokenizer/type", "UnicodeScripts"), unsupported, "UnicodeScripts");
  expect_refused(with("/pre_tokenizer/add_prefix_space", 1), bad_input, "add_prefix_space");
  expect_refused(with("/post_processor", {{"type", "Cut"}}), unsupported, "Cut");
  expect_refused(with("/added_tokens/0/content", ""), bad_input, "empty");
  expect_refused(with("/added_tokens/0/id", 2), bad_input, "share the id 2");
  expect_refused(with("/model/merges/0", Json::array({"a"})), bad_input, "merge");
}

TEST(Refusal, AnAddedTokenListedTwice) {
  Json json = valid();
  json["added_tokens"].push_back(json["added_tokens"][0]);
  EXPECT_EQ(Tokenizer::parse(to_text(json), "t.json").vocab_size(), 5) << "the same again says nothing new";
  json["added_tokens"][1]["special"] = false;
  expect_refused(json, ErrorKind::bad_input, "twice");
}

TEST(Refusal, Templates) {
  const auto with = [](const char* single, const char* tokens) {
    Json json = valid();
    json["post_processor"] = {{"type", "TemplateProcessing"}, {"single", parse_json(single, "single")}};
    json["post_processor"]["special_tokens"] = parse_json(tokens, "tokens");
    return json;
  };
  const char* token = R"({"<x>": {"id": "<x>", "ids": [4], "tokens": ["<x>"]}})";
  expect_refused(with(R"([{"Sequence": {"id": "B", "type_id": 0}}])", "{}"), ErrorKind::bad_input, "\"B\"");
  expect_refused(with(R"([{"SpecialToken": {"id": "<y>", "type_id": 0}}])", token), ErrorKind::bad_input,
                 "<y>");
  expect_refused(with(R"([{"SpecialToken": {"id": "<x>", "type_id": 0}}])",
                      R"({"<x>": {"id": "<x>", "ids": [77], "tokens": ["<x>"]}})"),
                 ErrorKind::bad_input, "77");
  Json twice = with("[]", "{}");
  twice["post_processor"] = {{"type", "Sequence"},
                             {"processors", Json::array({twice["post_processor"], twice["post_processor"]})}};
  expect_refused(twice, ErrorKind::unsupported, "only one");
  Json many = with("[]", "{}");
  for (int i = 0; i < 1000; ++i) {
    many["post_processor"]["single"].push_back(
        parse_json(R"({"Sequence": {"id": "A", "type_id": 0}})", "piece"));
  }
  expect_refused(many, ErrorKind::unsupported, "1000");
}

TEST(Refusal, TextsAndSpans) {
  const Tokenizer t = Tokenizer::parse(to_text(valid()), "t.json");
  const auto encode = [&](std::string_view text, const ControlTokens& control) {
    return t.encode(text, PostProcess::omit, control);
  };
  EXPECT_REFUSED(encode("ab\xC3(", ControlTokens::everywhere()), ErrorKind::bad_input, "byte 2");
  EXPECT_REFUSED(encode("a\xED\xA0\x80", ControlTokens::everywhere()), ErrorKind::bad_input, "byte 1");
  EXPECT_REFUSED(encode("ab", ControlTokens::within({{0, 3}})), ErrorKind::usage, "2 bytes");
  EXPECT_THROW(ControlTokens::within({{2, 1}}), Error);
}

TEST(Refusal, AnUnknownTokenThatIsMissingMattersOnlyWhenNeeded) {
  Json json = valid();
  json["model"]["unk_token"] = "<unk>";
  const Tokenizer t = Tokenizer::parse(to_text(json), "t.json");
  EXPECT_EQ(t.encode("ab", PostProcess::omit, ControlTokens::nowhere()), std::vector<TokenId>{2});
  EXPECT_THROW(t.encode("abc", PostProcess::omit, ControlTokens::nowhere()), Error);
}

TEST(Refusal, HugeIdsTakeNoMemoryInProportion) {
  Json json = valid();
  json["model"]["vocab"]["z"] = 2147483647;
  const Tokenizer t = Tokenizer::parse(to_text(json), "t.json");
  EXPECT_EQ(t.max_id(), 2147483647);
  EXPECT_EQ(t.vocab_size(), 6);
  const std::vector<TokenId> ids = {2147483647, 5, 1000000, -7, 0};
  EXPECT_EQ(t.decode(ids, ControlText::keep), "za");
  EXPECT_EQ(t.encode("z", PostProcess::omit, ControlTokens::nowhere()), std::vector<TokenId>{2147483647});
}

}  // namespace
}  // namespace nestor::tokenizer
