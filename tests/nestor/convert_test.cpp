// nestor convert: the story model in fewer bits runs, stays close, and shows what it is.
#include <gtest/gtest.h>

#include "base/folder_lock.h"
#include "program.h"

namespace nestor::testing {
namespace {

std::string convert(const Scratch& scratch, const std::string& weights, const std::string& tables) {
  const std::string folder = (scratch / (weights + "-" + tables)).string();
  const Outcome outcome =
      nestor({"convert", story(), folder, "--weights", weights, "--tables", tables, "--scales", "absmax"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("rounding error"), std::string::npos) << outcome.err;
  return folder;
}

TEST(Convert, TheStoryModelInFewerBits) {
  const Scratch scratch;
  const std::string folder = convert(scratch, "q8", "q4");
  const std::string text =
      scratch.write("text.txt", bytes_of(test_data("golden/story/expected/heldout.txt")).substr(0, 3000));
  const Json d = json_of({"eval", folder, "--text", text, "--against", story(), "--json"});
  EXPECT_GT(d["tokens"], 500);
  EXPECT_GT(d["divergence"], 0);
  EXPECT_LT(d["divergence"], 0.02);
  EXPECT_GT(d["agreement"], 0.9);
  EXPECT_NEAR(d["perplexity_change"].get<double>(), 0, 0.02);
  const Json same = json_of({"eval", story(), "--text", text, "--against", story(), "--json"});
  EXPECT_EQ(same["divergence"], 0);
  EXPECT_EQ(same["agreement"], 1);
  EXPECT_EQ(same["perplexity"], same["source_perplexity"]);
  const Json shown = json_of({"inspect", folder, "--json"});
  EXPECT_EQ(shown["quantization"]["tables"], "q4");
  EXPECT_LT(shown["bytes"]["total"], 11'000'000);
  EXPECT_NE(output_of({"inspect", folder}).find("weights q8, tables q4"), std::string::npos);
  EXPECT_FALSE(output_of({"run", folder, "-p", "Once upon a time", "-n", "8", "--temperature", "0"}).empty());
}

TEST(Convert, WithImportanceThatEvalMeasured) {
  const Scratch scratch;
  const std::string heldout = bytes_of(test_data("golden/story/expected/heldout.txt"));
  const std::string text = scratch.write("text.txt", heldout.substr(0, 6000));
  const std::string file = (scratch / "importance").string();
  const Outcome measured = nestor({"eval", story(), "--text", text, "--write-importance", file});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_NE(measured.err.find("matrices"), std::string::npos) << measured.err;
  const std::string plain = (scratch / "plain").string(), weighted = (scratch / "weighted").string();
  EXPECT_EQ(nestor({"convert", story(), plain, "--weights", "q4"}).exit_code, 0);
  EXPECT_EQ(nestor({"convert", story(), weighted, "--weights", "q4", "--importance", file}).exit_code, 0);
  const auto divergence = [&](const std::string& folder) {
    return json_of({"eval", folder, "--text", text, "--against", story(), "--json"})["divergence"]
        .get<double>();
  };
  EXPECT_LT(divergence(weighted), divergence(plain));
  expect_error({"eval", plain, "--text", text, "--write-importance", file}, 1, "weights in q4");
  const Outcome nowhere =
      nestor({"eval", story(), "--text", text, "--write-importance", (scratch / "no/such/x").string()});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_NE(nowhere.err.find("cannot create"), std::string::npos) << nowhere.err;
  EXPECT_EQ(nowhere.err.find("perplexity:"), std::string::npos) << "found out too late: " << nowhere.err;
  expect_error({"convert", story(), (scratch / "x").string(), "--importance", file, "--scales", "absmax"}, 2,
               "--scales search");
  expect_error({"convert", story(), (scratch / "x").string(), "--importance", text}, 1, "text.txt");
}

// Two at once would write each other's files.
TEST(Convert, AFolderIsWrittenByOneAtATime) {
  const Scratch scratch;
  const std::string target = (scratch / "q8").string();
  const Arguments convert = {"convert", story(), target, "--weights", "q8", "--scales", "absmax"};
  const std::string busy = "another process is at work in this folder";
  {
    const FolderLock lock(target);
    expect_error(convert, 2, busy);
    expect_error({"new", "--preset", "tiny", target}, 2, busy);
    expect_error({"new", "--preset", "tiny", "--weights", "q4", target}, 2, busy);
  }
  EXPECT_EQ(nestor(convert).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(scratch / "q8/lock"));
}

TEST(Convert, WrongUsage) {
  const Scratch scratch;
  const std::string target = (scratch / "x").string();
  expect_error({"convert", story()}, 2, "DST");
  expect_error({"convert", story(), target, "--weights", "q5"}, 2, "q5");
  expect_error({"convert", story(), target, "--keep", "lm_head"}, 2, "PATTERN=FORMAT");
  expect_error({"convert", story(), target, "--keep", "nothing=q8"}, 2, "nothing");
  expect_error({"convert", story(), story(), "--weights", "q8"}, 2, "same folder");
  expect_error({"convert", (scratch / "none").string(), target, "--weights", "q8"}, 1, "none");
  scratch.write("full/precious", "x");
  expect_error({"convert", story(), (scratch / "full").string(), "--weights", "q8"}, 2, "not empty");
  expect_error({"eval", story(), "--choices", "x", "--against", story()}, 2, "--text");
}

}  // namespace
}  // namespace nestor::testing
