// nestor tokenizer train: from text on disk or standard input to files that the other commands read.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

const std::string kText = "the cat and the hat and the rat sat on the mat, said the cat to the rat\n";

// 17 control tokens, 256 bytes and 7 learned.
constexpr const char* kSize = "280";

Outcome train(const Arguments& sources, const std::string& out, Arguments more = {},
              const std::string& input = "") {
  Arguments call = {"tokenizer", "train"};
  call.insert(call.end(), sources.begin(), sources.end());
  call.insert(call.end(), {"--vocab-size", kSize, "--out", out});
  call.insert(call.end(), more.begin(), more.end());
  return nestor(call, input);
}

TEST(TokenizerTrain, AFolderThatOtherCommandsRead) {
  const Scratch scratch;
  const std::string text = scratch.write("a.txt", kText);
  const std::string out = (scratch / "new").string();
  const Outcome outcome = train({text}, out);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("280 tokens, learned from 1 documents of 72 bytes"), std::string::npos)
      << outcome.err;
  const std::string ids = output_of({"tokenize", out, "--text", kText});
  EXPECT_EQ(output_of({"detokenize", out, "--ids", ids}), kText);
  EXPECT_EQ(output_of({"tokenize", out, "--text", "</longcat_s>"}), "2\n");
  const Json config = parse_json(bytes_of(scratch / "new/tokenizer_config.json"), "config");
  const Json given = parse_json(bytes_of(story() + "/tokenizer_config.json"), "config");
  for (const auto& [key, value] : given.items()) {
    if (key == "chat_template" || key == "model_max_length") continue;
    EXPECT_EQ(config[key], value) << key;
  }
}

// Conversations look as with the story model's template.
TEST(TokenizerTrain, TheChatTemplateIsThatOfTheFamily) {
  const Scratch scratch;
  const std::string text = scratch.write("a.txt", kText);
  const std::string out = (scratch / "new").string();
  ASSERT_EQ(train({text}, out).exit_code, 0);
  const std::string conversation = R"({"messages": [{"role": "system", "content": "S"},
    {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"},
    {"role": "user", "content": "V"}], "add_generation_prompt": true})";
  const std::string rendered = output_of({"template", out, "--input", "-"}, conversation);
  EXPECT_NE(rendered.find("<longcat_user>V<longcat_assistant>"), std::string::npos) << rendered;
  EXPECT_EQ(rendered, output_of({"template", story(), "--input", "-"}, conversation));
}

TEST(TokenizerTrain, AFileAloneHasTheSameBytes) {
  const Scratch scratch;
  const std::string text = scratch.write("a.txt", kText);
  ASSERT_EQ(train({text}, (scratch / "new").string()).exit_code, 0);
  ASSERT_EQ(train({text}, (scratch / "one.json").string()).exit_code, 0);
  EXPECT_TRUE(bytes_of(scratch / "one.json") == bytes_of(scratch / "new/tokenizer.json"));
}

TEST(TokenizerTrain, JsonLinesFoldersAndStandardInput) {
  const Scratch scratch;
  const std::string text = scratch.write("a.txt", kText);
  ASSERT_EQ(train({text}, (scratch / "text.json").string()).exit_code, 0);
  const std::string expected = bytes_of(scratch / "text.json");
  const std::string line = Json{{"body", kText}}.dump() + "\n";

  const std::string lines = scratch.write("b.jsonl", line);
  ASSERT_EQ(train({lines}, (scratch / "lines.json").string(), {"--text-key", "body"}).exit_code, 0);
  EXPECT_TRUE(bytes_of(scratch / "lines.json") == expected);

  ASSERT_EQ(train({"-"}, (scratch / "input.json").string(), {"--format", "jsonl", "--text-key", "body"}, line)
                .exit_code,
            0);
  EXPECT_TRUE(bytes_of(scratch / "input.json") == expected);

  fs::create_directory(scratch / "folder");
  scratch.write("folder/a.txt", kText);
  ASSERT_EQ(train({(scratch / "folder").string()}, (scratch / "folder.json").string()).exit_code, 0);
  EXPECT_TRUE(bytes_of(scratch / "folder.json") == expected);
}

TEST(TokenizerTrain, LimitBytesTakesTheBeginning) {
  const Scratch scratch;
  const std::string whole = scratch.write("whole.txt", kText + "zzzzzzzz zzzzzzzz zzzzzzzz zzzzzzzz\n");
  const std::string part = scratch.write("part.txt", kText);
  ASSERT_EQ(train({part}, (scratch / "part.json").string()).exit_code, 0);
  const std::string limit = std::to_string(kText.size());
  ASSERT_EQ(train({whole}, (scratch / "limit.json").string(), {"--limit-bytes", limit}).exit_code, 0);
  EXPECT_TRUE(bytes_of(scratch / "limit.json") == bytes_of(scratch / "part.json"));
  ASSERT_EQ(train({whole}, (scratch / "all.json").string()).exit_code, 0);
  EXPECT_FALSE(bytes_of(scratch / "all.json") == bytes_of(scratch / "part.json"));

  // A limit inside of a character leaves that character out.
  const std::string accents = scratch.write("accents.txt", kText + "\u00e9\u00e9\u00e9");
  const std::string inside = std::to_string(kText.size() + 1);
  EXPECT_EQ(train({accents}, (scratch / "inside.json").string(), {"--limit-bytes", inside}).exit_code, 0);
  EXPECT_TRUE(bytes_of(scratch / "inside.json") == bytes_of(scratch / "part.json"));
}

TEST(TokenizerTrain, ControlTokens) {
  const Scratch scratch;
  const std::string text = scratch.write("a.txt", kText);
  const std::string out = (scratch / "t.json").string();
  ASSERT_EQ(train({text}, out, {"--control-token", "<|x|>", "--control-token", "<|y|>"}).exit_code, 0);
  EXPECT_EQ(output_of({"tokenize", out, "--text", "<|y|><|x|>!"}), "18 17 19\n");
}

TEST(TokenizerTrain, Misuse) {
  const Scratch scratch;
  const std::string text = scratch.write("a.txt", kText);
  const std::string out = (scratch / "new").string();
  const auto refused = [&](const Arguments& more, int code, const std::string& part) {
    Arguments call = {"tokenizer", "train"};
    call.insert(call.end(), more.begin(), more.end());
    expect_error(call, code, part);
  };
  expect_error({"tokenizer"}, 2, "nestor tokenizer --help");
  expect_error({"tokenizer", "trian"}, 2, "trian");
  refused({}, 2, "nestor tokenizer train --help");
  refused({text, "--out", out}, 2, "--vocab-size");
  refused({text, "--vocab-size", "280"}, 2, "--out");
  refused({text, "--vocab-size", "272", "--out", out}, 2, "expected 273");
  refused({text, "--vocab-size", "280", "--min-count", "0", "--out", out}, 2, "minimum");
  refused({text, "--vocab-size", "280", "--limit-bytes", "0", "--out", out}, 2, "--limit-bytes");
  refused({text, "--vocab-size", "280", "--control-token", "x", "--out", out}, 2, "single character");
  EXPECT_FALSE(fs::exists(out)) << "made for nothing";
  refused({text, "--vocab-size", "5000", "--out", out}, 1, "ask for at most");
  refused({(scratch / "none.txt").string(), "--vocab-size", "280", "--out", out}, 1, "none.txt");
  refused({scratch.write("bad.txt", "\xFF"), "--vocab-size", "280", "--out", out}, 1, "bad.txt");
  refused({scratch.write("empty.txt", ""), "--vocab-size", "273", "--out", out}, 1, "no text");
  refused({text, "--vocab-size", "280", "--out", (scratch / "no/t.json").string()}, 1, "no such folder");
  EXPECT_TRUE(fs::is_empty(out));
  ASSERT_EQ(train({text}, out).exit_code, 0);
  const std::string before = bytes_of(scratch / "new/tokenizer.json");
  refused({text, "--vocab-size", "279", "--out", out}, 2, "there already");
  EXPECT_TRUE(bytes_of(scratch / "new/tokenizer.json") == before);
}

}  // namespace
}  // namespace nestor::testing
