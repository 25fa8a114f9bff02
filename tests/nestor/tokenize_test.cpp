// nestor tokenize and detokenize against what the Hugging Face library makes of the same texts.
#include <gtest/gtest.h>

#include <algorithm>

#include "program.h"

namespace nestor::testing {
namespace {

constexpr std::size_t kCasesPerTokenizer = 12;

// Cases spread over a golden file: every n-th, so that a process for each stays cheap.
std::vector<Json> some(const Json& cases) {
  std::vector<Json> out;
  const std::size_t step = std::max<std::size_t>(1, cases.size() / kCasesPerTokenizer);
  for (std::size_t i = 0; i < cases.size(); i += step) {
    if (cases[i]["text"].get_ref<const std::string&>().size() < 10000) out.push_back(cases[i]);
  }
  return out;
}

// What a golden leaves out equals another of its members.
Json or_else(const Json& golden, const char* key, const Json& same_as) {
  return golden.contains(key) ? golden.at(key) : same_as;
}

class Tokenize : public ::testing::TestWithParam<const char*> {
 protected:
  std::string folder() const { return std::string("tokenizer/") + GetParam(); }
  std::string model() const { return test_data(folder() + "/tokenizer.json"); }
};

TEST_P(Tokenize, EqualsTheReference) {
  const Scratch scratch;
  const Json expected = read_test_json(folder() + "/expected.json");
  for (const Json& golden : some(expected["cases"])) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const Json special = or_else(golden, "ids_special", golden["ids"]);
    const std::string file = scratch.write("text", golden["text"].get<std::string>());
    EXPECT_EQ(json_of({"tokenize", model(), "--file", file, "--no-special", "--json"}), golden["ids"]);
    EXPECT_EQ(json_of({"tokenize", model(), "--file", file, "--json"}), special);
    EXPECT_EQ(json_of({"tokenize", model(), "--file", file, "--no-special", "--plain", "--json"}),
              or_else(golden, "ids_plain", golden["ids"]));
    const std::string ids = spaced(special.get<std::vector<TokenId>>());
    EXPECT_EQ(output_of({"detokenize", model(), "--ids", ids}), or_else(golden, "decoded", golden["text"]));
    EXPECT_EQ(output_of({"detokenize", model(), "--ids", ids, "--skip-special"}),
              or_else(golden, "decoded_skip", golden["text"]));
  }
}

TEST_P(Tokenize, PlainTextCannotForgeControlTokens) {
  const Json expected = read_test_json(folder() + "/expected.json");
  for (const Json& golden : expected["cases"]) {
    if (!golden.contains("ids_plain")) continue;
    const std::string text = golden["text"];
    EXPECT_EQ(json_of({"tokenize", model(), "--file", "-", "--no-special", "--plain", "--json"}, text),
              golden["ids_plain"])
        << golden["name"];
    return;  // one is enough here: the tokenizer room tests them all
  }
}

TEST_P(Tokenize, IllFormedPartsAreReplaced) {
  const Json expected = read_test_json(folder() + "/expected.json");
  if (!expected.contains("decode_cases")) return;
  for (const Json& golden : expected["decode_cases"]) {
    const std::string ids = spaced(golden["ids"].get<std::vector<TokenId>>());
    EXPECT_EQ(output_of({"detokenize", model(), "--ids", ids}), golden["decoded"].get<std::string>())
        << golden["name"];
  }
}

INSTANTIATE_TEST_SUITE_P(All, Tokenize, ::testing::Values("longcat", "llama3_ignore_merges", "qwen_added"));

TEST(TokenizeOutput, PlainIdsAndJson) {
  EXPECT_EQ(output_of({"tokenize", story(), "--text", "Once upon a time there was"}),
            "63 1883 601 275 594 482 325\n");
  EXPECT_EQ(output_of({"tokenize", story(), "--text", "Once", "--json"}), "[63,1883]\n");
  EXPECT_EQ(output_of({"tokenize", "--text", ""}), "\n");
  EXPECT_EQ(output_of({"tokenize", "--text", "", "--json"}), "[]\n");
}

TEST(TokenizeOutput, FilesAreExact) {
  const Scratch scratch;
  const std::string text("a\r\n\0b \n", 7);
  const std::string file = scratch.write("text", text);
  const std::string ids = output_of({"tokenize", "--file", file});
  EXPECT_EQ(output_of({"tokenize", "--file", "-"}, text), ids);
  EXPECT_EQ(output_of({"detokenize", "--ids", ids}), text);
}

TEST(TokenizeOutput, ModelIsAFolderOrAFile) {
  const std::string expected = "63 1883\n";
  EXPECT_EQ(output_of({"tokenize", story(), "--text", "Once"}), expected);
  EXPECT_EQ(output_of({"tokenize", "--text", "Once", story() + "/tokenizer.json"}), expected);
}

TEST(Detokenize, TakesTheListThatTokenizePrints) {
  const std::string ids = output_of({"tokenize", "--json", "--text", "Once upon a time"});
  EXPECT_EQ(output_of({"detokenize", "--ids", ids.substr(0, ids.size() - 1)}), "Once upon a time");
  EXPECT_EQ(output_of({"detokenize", "--ids", "[]"}), "");
}

TEST(TokenizeOutput, SettingsWithoutEffectAreNoted) {
  const Scratch scratch;
  Json json = read_test_json("golden/story/tokenizer.json");
  json["truncation"] = {{"max_length", 4}};
  const Outcome outcome =
      nestor({"tokenize", scratch.write("tokenizer.json", to_text(json)), "--text", "Once upon a time"});
  EXPECT_EQ(outcome.out, output_of({"tokenize", story(), "--text", "Once upon a time"}));
  EXPECT_NE(outcome.err.find("truncation is set"), std::string::npos) << outcome.err;
}

TEST(Detokenize, NoIdsNoBytes) { EXPECT_EQ(output_of({"detokenize", "--ids", ""}), ""); }

TEST(Detokenize, ControlTokensCanBeLeftOut) {
  EXPECT_EQ(output_of({"detokenize", story(), "--ids", "5 63 1883 2"}), "<longcat_user>Once</longcat_s>");
  EXPECT_EQ(output_of({"detokenize", story(), "--ids", "5 63 1883 2", "--skip-special"}), "Once");
}

TEST(Tokenizer, BadFilesAreRefused) {
  for (const auto& entry : std::filesystem::directory_iterator(test_data("tokenizer/bad"))) {
    if (entry.path().filename() == "expected.json") continue;
    expect_error({"tokenize", entry.path().string(), "--text", "x"}, 1, entry.path().filename().string());
  }
}

}  // namespace
}  // namespace nestor::testing
