// Stopping, being killed, and going on: nothing may change in a single bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>

#include "base/file.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

std::int64_t reported_steps(const std::string& text) {
  static const std::regex report(R"(step \d+/)");
  return std::distance(std::sregex_iterator(text.begin(), text.end(), report), std::sregex_iterator());
}

// Kills come some reports after the start and up to some hundredths of a second later: between steps, in
// them, and while a snapshot is written, which happens every fourth step. A fast machine may finish before
// the tenth.
TEST(Resume, TenKillsChangeNoBit) {
  const TinyRun tiny;
  const std::vector<std::string> longer = {"--set", "schedule.steps=160"};
  tiny.trained("whole", longer);
  std::mt19937 random(7);
  int resumed = 0;
  for (int kill = 0; kill < 10; ++kill) {
    Call call = tiny.call("run", {"--resume", "--set", "schedule.steps=160"});
    const int reports = 1 + static_cast<int>(random() % 3);
    call.kill_when = [reports](const std::string& err) { return reported_steps(err) >= reports; };
    call.kill_delay = std::chrono::milliseconds(random() % 60);
    const Outcome outcome = run_process(call);
    resumed += outcome.err.find("going on from the snapshot") != std::string::npos ? 1 : 0;
    if (outcome.in_time) break;
  }
  EXPECT_GE(resumed, 3);
  tiny.trained("run", {"--resume", "--set", "schedule.steps=160"});
  EXPECT_TRUE(tiny.final_files("whole") == tiny.final_files("run"));
  EXPECT_EQ(tiny.metrics("whole"), tiny.metrics("run"));
}

// Before the first step: while libtorch is loaded, text is packed, the machine is measured.
TEST(Resume, AKillAtTheBeginningLeavesNothingInTheWay) {
  const TinyRun tiny;
  std::mt19937 random(8);
  for (int kill = 0; kill < 3; ++kill) {
    Call call = tiny.call("run", {"--resume"});
    call.limit = std::chrono::milliseconds(50 + random() % 600);
    run_process(call);
  }
  tiny.trained("run", {"--resume"});
  expect_same_end(tiny, "run");
}

TEST(Resume, AnInterruptSavesAndEndsWith130) {
  const TinyRun tiny;
  Call call = tiny.call("run");
  call.interrupt_on = "step 6/24";
  const Outcome outcome = run_process(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted; give --resume to go on"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(tiny / "run/final"));
  const Outcome rest = tiny.trained("run", {"--resume"});
  EXPECT_NE(rest.err.find("going on from the snapshot of step"), std::string::npos) << rest.err;
  expect_same_end(tiny, "run");
}

TEST(Resume, OnNothingStartsAndOnAFinishedRunSaysSo) {
  const TinyRun tiny;
  tiny.trained("run", {"--resume"});
  const auto files = tiny.final_files("run");
  const Outcome again = tiny.trained("run", {"--resume"});
  EXPECT_NE(again.err.find("this run is finished already"), std::string::npos) << again.err;
  EXPECT_TRUE(files == tiny.final_files("run"));
}

TEST(Resume, AFinishedRunIsThatOfItsRecipe) {
  const TinyRun tiny;
  tiny.trained("run");
  const Outcome other = tiny.train("run", {"--resume", "--set", "dense.learning_rate=0.1"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("dense.learning_rate differs"), std::string::npos) << other.err;
}

// Text that an earlier attempt packed is not learnt from in its place.
TEST(Resume, BeforeTheFirstSnapshotTheRecipeCounts) {
  const TinyRun tiny;
  const std::string text = read_file(tiny / "text.jsonl", 1 << 20);
  const std::string other =
      tiny.write("other.jsonl", text.substr(text.size() / 2 + text.substr(text.size() / 2).find('\n') + 1));
  Call call = tiny.call("run", {"--set", "reporting.save_every=1000"});
  call.kill_when = printed("step 2/24");
  ASSERT_FALSE(run_process(call).in_time);
  // The same file with other text, and another file.
  Call same = tiny.call("run", {"--resume", "--set", "reporting.save_every=1000"});
  tiny.write("text.jsonl", read_file(other, 1 << 20));
  same.kill_when = printed("step 2/24");
  const Outcome edited = run_process(same);
  EXPECT_NE(edited.err.find("corpus: 28 documents"), std::string::npos) << edited.err;
  const std::vector<std::string> those = {"--set", "data.train=[\"" + other + "\"]"};
  tiny.trained("whole", those);
  const Outcome rest = tiny.trained("run", {"--resume", those[0], those[1]});
  EXPECT_NE(rest.err.find("the run begins with random weights"), std::string::npos) << rest.err;
  EXPECT_TRUE(tiny.final_files("whole") == tiny.final_files("run"));
}

TEST(Resume, TakesThreadsAndNumbersFromTheSnapshot) {
  const TinyRun tiny;
  Call call = tiny.call("run");
  call.interrupt_on = "step 6/24";
  ASSERT_EQ(run_process(call).exit_code, 130);
  const Outcome rest = tiny.trained("run", {"--resume", "--set", "threads=1", "--set", "products=bf16"});
  EXPECT_NE(rest.err.find("computes in f32 with 2 threads"), std::string::npos) << rest.err;
  expect_same_end(tiny, "run");
}

class Stopped : public ::testing::Test {
 protected:
  void SetUp() override {
    Call call = tiny.call("run");
    call.interrupt_on = "step 10/24";
    ASSERT_EQ(run_process(call).exit_code, 130);
  }
  void expect_refused(int exit_code, const std::string& part,
                      const std::vector<std::string>& more = {"--resume"}) const {
    const Outcome outcome = tiny.train("run", more);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  }
  TinyRun tiny;
};

TEST_F(Stopped, KeepsTwoSnapshots) {
  const auto snapshots = fs::directory_iterator(tiny / "run/snapshots");
  EXPECT_EQ(std::distance(begin(snapshots), end(snapshots)), 2);
}

TEST_F(Stopped, IsNotStartedAnew) { expect_refused(2, "there is a run in this folder; give --resume", {}); }

TEST_F(Stopped, RefusesAnotherRecipe) {
  expect_refused(2, "dense.learning_rate, seed differ",
                 {"--resume", "--set", "seed=48", "--set", "dense.learning_rate=0.1"});
  expect_refused(2, "schedule.steps is 8, but the run has done", {"--resume", "--set", "schedule.steps=8"});
}

TEST_F(Stopped, RefusesAnotherCorpus) {
  fs::remove_all(tiny / "run/corpus");
  tiny.write("text.jsonl", read_file(tiny / "text.jsonl", 1 << 20) + "{\"text\": \"one more\"}\n");
  expect_refused(1, "the training data is not that of the snapshot");
}

TEST_F(Stopped, RefusesTheSameDocumentsInAnotherOrder) {
  fs::remove_all(tiny / "run/corpus");
  const std::string text = read_file(tiny / "text.jsonl", 1 << 20);
  const std::size_t half = text.find('\n', text.size() / 2) + 1;
  tiny.write("text.jsonl", text.substr(half) + text.substr(0, half));
  expect_refused(1, "its checksum changed");
}

TEST_F(Stopped, ReportsMayChange) {
  tiny.trained("run", {"--resume", "--set", "reporting.save_every=100", "--set", "name=other"});
}

}  // namespace
}  // namespace nestor::testing
