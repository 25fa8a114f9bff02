// Wrong calls: exit code 2 and one line that says what to do.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/paths.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

void expect_error(const Outcome& outcome, int exit_code, const std::string& part) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("nestor: error: ")) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
}

TEST(TrainUsage, MistakesInTheRecipeAreNamed) {
  const TinyRun tiny;
  expect_error(tiny.train("run", {"--set", "shedule.steps=3"}), 2, "the nearest is \"schedule\"");
  expect_error(tiny.train("run", {"--set", "schedule.steps"}), 2, "expected key=value");
  expect_error(tiny.train("run", {"--set", "schedule.steps=-1"}), 1, "schedule: steps must be between");
  tiny.write("recipe.json", "{");
  expect_error(tiny.train("run"), 1, "recipe.json");
}

TEST(TrainUsage, RecipesThatAreNotThere) {
  const TinyRun tiny;
  const auto call = [&](const std::string& recipe) {
    return run_process(
        {.program = built_program("nestor-train"), .arguments = {recipe, "--out", (tiny / "run").string()}});
  };
  expect_error(call("smok"), 2, "expected a JSON file or one of smoke, story, smoke-vanilla, story-vanilla");
  expect_error(call("/nowhere/r.json"), 1, "/nowhere/r.json");
}

TEST(TrainUsage, FilesThatAreNotThere) {
  const TinyRun tiny;
  EXPECT_EQ(tiny.train("a", {"--set", "data.train=/nowhere.txt"}).exit_code, 1);
  EXPECT_EQ(tiny.train("b", {"--set", "data.tokenizer=/nowhere"}).exit_code, 1);
  EXPECT_EQ(tiny.train("c", {"--init", "/nowhere"}).exit_code, 1);
}

TEST(TrainUsage, AVocabularyThatIsTooSmall) {
  const TinyRun tiny;
  const Outcome outcome = tiny.train("run", {"--set", "model.config.vocab_size=4000"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("the tokenizer has ids up to 4095, but model.config.vocab_size is 4000"),
            std::string::npos)
      << outcome.err;
}

TEST(TrainUsage, AFolderThatCannotBeMade) {
  const TinyRun tiny;
  tiny.write("file", "");
  expect_error(tiny.train("file/run"), 1, "cannot make the folder");
}

TEST(TrainUsage, ASecondProcessInTheFolderIsRefused) {
  const TinyRun tiny;
  // The first waits for its lock-holder's text: it trains as long as the second one needs to be refused.
  Call first = tiny.call("run", {"--set", "schedule.steps=100000"});
  first.arguments.insert(first.arguments.begin(),
                         {"-c",
                          "\"$@\" & pid=$!; until [ -e \"$4/metrics.jsonl\" ]; do sleep 0.1; done; "
                          "\"$1\" \"$2\" --out \"$4\" --resume; echo \"second: $?\"; kill -INT $pid; wait "
                          "$pid; echo \"first: $?\"",
                          "sh", first.program});
  first.program = "/bin/sh";
  const Outcome outcome = run_process(first);
  EXPECT_NE(outcome.err.find("another process is at work in this folder"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("second: 2"), std::string::npos) << outcome.out;
}

// Beside other programs threads wait by sleeping, unless the environment says otherwise.
TEST(TrainUsage, HowThreadsWaitIsDecidedAtTheStart) {
  const TinyRun tiny;
  const auto waiting = [&](const std::string& variables) {
    const std::string script =
        "for i in $(seq 2 $(nproc)) 1 2 3 4; do while :; do :; done & busy=\"$busy $!\"; done; "
        "OMP_DISPLAY_ENV=true " +
        variables + " \"$0\" --version; kill $busy";
    return run_process(tiny.call_in_shell(script, "unused")).err;
  };
  EXPECT_NE(waiting("env -u OMP_WAIT_POLICY").find("OMP_WAIT_POLICY = 'PASSIVE'"), std::string::npos);
  EXPECT_EQ(waiting("OMP_WAIT_POLICY=active").find("OMP_WAIT_POLICY = 'PASSIVE'"), std::string::npos);
}

TEST(TrainUsage, CudaIsRefusedWhereThereIsNone) {
  const TinyRun tiny;
  const Outcome outcome = tiny.train("run", {"--set", "device=cuda"});
  if (outcome.exit_code == 0) return;  // there is one
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("train with device cpu"), std::string::npos) << outcome.err;
}

// nestor train is nestor-train.
TEST(TrainUsage, NestorStartsTheTrainer) {
  const TinyRun tiny;
  const auto nestor = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"train", (tiny / "recipe.json").string(), "--out",
                                          (tiny / "run").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process({.program = built_program("nestor"), .arguments = arguments});
  };
  expect_error(nestor({"--set", "sede=3"}), 2, "the nearest is \"seed\"");
  const Outcome outcome = nestor({"--set", "schedule.steps=4", "--threads", "1"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("with 1 threads"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace nestor::testing
