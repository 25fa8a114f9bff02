// nestor eval: the options, the two forms of the report, refusals.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

const char* const kText = "Once upon a time there was a little girl who lived in a house by the sea.";

TEST(Eval, ReportsATextInBothForms) {
  const Scratch scratch;
  const std::string file = scratch.write("text.txt", kText);
  const Json object = json_of({"eval", "--text", file, "--json"});
  EXPECT_GT(object["nll_per_token"].get<double>(), 0);
  EXPECT_GT(object["perplexity"].get<double>(), 1);
  EXPECT_GT(object["bits_per_byte"].get<double>(), 0);
  EXPECT_GT(object["tokens"].get<int>(), 10);
  EXPECT_EQ(object["stride"], 512);
  const Outcome text = nestor({"eval", "--text", file});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.out.find("bits per byte"), std::string::npos) << text.out;
  EXPECT_EQ(json_of({"eval", "--text", file, "--json", "--rows", "3", "--threads", "1"})["nll_per_token"],
            object["nll_per_token"]);
  EXPECT_EQ(json_of({"eval", "--text", file, "--window", "8", "--json"})["stride"], 8);
}

TEST(Eval, TextsComeInEveryFormThatCorporaComeIn) {
  const Scratch scratch;
  std::string wide("\xFF\xFE", 2);
  for (const char c : std::string(kText)) wide += {c, '\0'};
  const Json expected = json_of({"eval", "--text", scratch.write("text.txt", kText), "--json"});
  EXPECT_EQ(json_of({"eval", "--text", scratch.write("wide.txt", wide), "--json"}), expected);
  EXPECT_EQ(json_of({"eval", "--text", "-", "--json"}, wide), expected);
  const std::string lines = to_text(Json{{"text", kText}}) + "\n";
  EXPECT_EQ(json_of({"eval", "--text", scratch.write("lines.jsonl", lines), "--json"}), expected);
  const Outcome bad = nestor({"eval", "--text", scratch.write("bad.txt", "ab\xff")});
  EXPECT_NE(bad.err.find("bad.txt: the text is not valid UTF-8"), std::string::npos) << bad.err;
  const Outcome zip = nestor({"eval", "--text", scratch.write("a.txt", std::string("PK\x03\x04\x14\0", 6))});
  EXPECT_NE(zip.err.find("a.txt: expected text, found a zip archive"), std::string::npos) << zip.err;
}

TEST(Eval, ReportsTasks) {
  const Scratch scratch;
  const std::string quiz = scratch.write(
      "quiz.jsonl", R"({"question": "Once upon a", "choices": ["time", "xylophone"], "answer": "time"})");
  const Json choices = json_of({"eval", "--choices", quiz, "--json"});
  EXPECT_EQ(choices["acc"], 1.0);
  EXPECT_EQ(choices["acc_norm"], 1.0);
  const std::string questions =
      scratch.write("questions.jsonl", R"({"question": "Once upon a", "answer": ["no", "never"]})");
  const Json answers = json_of({"eval", "--questions", questions, "-n", "3", "--json"});
  EXPECT_EQ(answers["exact_match"], 0.0);
  EXPECT_EQ(answers["answers"].size(), 1u);
}

TEST(Eval, RefusesWhatMakesNoSense) {
  const Scratch scratch;
  const std::string file = scratch.write("text.txt", kText);
  EXPECT_EQ(nestor({"eval"}).exit_code, 2);
  EXPECT_EQ(nestor({"eval", "--text", file, "--choices", file}).exit_code, 2);
  EXPECT_EQ(nestor({"eval", "--text", file, "--window", "8", "--stride", "9"}).exit_code, 2);
  EXPECT_EQ(nestor({"eval", "--text", scratch / "missing"}).exit_code, 1);
  const Outcome bad = nestor({"eval", "--choices", file});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_NE(bad.err.find("line 1"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace nestor::testing
