// Signals that end a run: a snapshot is saved, or what is lost is said.
#include <gtest/gtest.h>

#include "base/file.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

// Sends the signals once a text was printed; prints how the trainer ended.
std::string signalling(const std::string& text, const std::string& commands) {
  return "log=\"$3.log\"; rm -f \"$log\"; touch \"$log\"; \"$0\" \"$@\" 2> \"$log\" & pid=$!; until grep -q "
         "\"" +
         text + "\" \"$log\" || ! kill -0 $pid; do sleep 0.02; done; " + commands +
         "; wait $pid; echo \"ended $?\"; cat \"$log\" >&2";
}

void expect_saved_and_resumed(const TinyRun& tiny, const std::string& signals) {
  const Outcome outcome = run_process(tiny.call_in_shell(signalling("step 6/24", signals), "run"));
  EXPECT_NE(outcome.out.find("ended 130"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("snapshot saved; Ctrl-C once more"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted; give --resume to go on"), std::string::npos) << outcome.err;
  const Outcome rest = tiny.trained("run", {"--resume"});
  EXPECT_NE(rest.err.find("going on from the snapshot of step"), std::string::npos) << rest.err;
  expect_same_end(tiny, "run");
  fs::remove_all(tiny / "run");
}

TEST(Signal, AskForASnapshot) {
  const TinyRun tiny;
  for (const std::string signals :
       {"kill -TERM $pid; kill -TERM $pid", "kill -HUP $pid; kill -USR1 $pid; kill -XCPU $pid",
        "kill -INT $pid; kill -INT $pid"})
    expect_saved_and_resumed(tiny, signals);
}

// `2>&1 | head`: nobody reads what is printed.
TEST(Signal, AReaderThatLeavesIsOne) {
  const TinyRun tiny;
  const Outcome outcome = run_process(
      tiny.call_in_shell("{ \"$0\" \"$@\" 2>&1; echo \"ended $?\" >&2; } | grep -m1 'step 4/24'", "run"));
  EXPECT_NE(outcome.err.find("ended 130"), std::string::npos) << outcome.err;
  const Outcome rest = tiny.trained("run", {"--resume"});
  EXPECT_NE(rest.err.find("going on from the snapshot of step"), std::string::npos) << rest.err;
  expect_same_end(tiny, "run");
}

TEST(Signal, AFileThatGrowsTooLargeIsAnError) {
  const TinyRun tiny;
  const Outcome outcome = run_process(tiny.call_in_shell("ulimit -f 200; exec \"$0\" \"$@\"", "run"));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("nestor: error: "), std::string::npos) << outcome.err;
  tiny.trained("run", {"--resume"});
}

// An evaluation is broken off, and made up for by the run that goes on.
TEST(Signal, DoesNotWaitForAnEvaluation) {
  const TinyRun tiny;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "the small dog saw a red house. ";
  const std::vector<std::string> large = {"--set", "data.heldout=" + tiny.write("held.txt", text),
                                          "--set", "reporting.evaluate_tokens=40000",
                                          "--set", "reporting.evaluate_every=1000"};
  tiny.trained("whole", large);
  const Outcome outcome =
      run_process(tiny.call_in_shell(signalling("step 24/24", "kill -TERM $pid"), "run", large));
  EXPECT_NE(outcome.out.find("ended 130"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err.find("held-out loss"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("step 24  snapshot saved"), std::string::npos) << outcome.err;
  std::vector<std::string> again = large;
  again.emplace_back("--resume");
  const Outcome rest = tiny.trained("run", again);
  EXPECT_NE(rest.err.find("step 24  held-out loss"), std::string::npos) << rest.err;
  EXPECT_TRUE(tiny.final_files("whole") == tiny.final_files("run"));
  EXPECT_EQ(tiny.metrics("whole").at("heldout 24"), tiny.metrics("run").at("heldout 24"));
}

// In a step of several seconds.
TEST(Signal, ASecondInterruptSaysWhatItDrops) {
  const TinyRun tiny;
  const std::string twice = "sleep 0.3; kill -INT $pid; sleep 0.5; kill -INT $pid";
  const Outcome outcome = run_process(
      tiny.call_in_shell(signalling("the run begins with", twice), "run", {"--set", "data.rows=4000"}));
  EXPECT_NE(outcome.out.find("ended 130"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("ended at once; what this call trained is dropped"), std::string::npos)
      << outcome.err;
}

}  // namespace
}  // namespace nestor::testing
