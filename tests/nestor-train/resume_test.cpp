// Stopping, being killed, and going on: nothing may change in a single bit.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/file.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

TEST(Resume, TenKillsChangeNoBit) {
  const TinyRun tiny;
  const auto begin = std::chrono::steady_clock::now();
  tiny.trained("whole");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::mt19937 random(7);
  std::uniform_real_distribution<double> moment(0.2, 1.1);
  int killed = 0;
  int resumed = 0;
  for (int attempt = 0; attempt < 40 && killed < 10; ++attempt) {
    if (fs::exists(tiny / "run/final"))
      fs::remove_all(tiny / "run");  // too late: once more from the beginning
    Call call = tiny.call("run", {"--resume"});
    call.limit = std::chrono::milliseconds(static_cast<int>(1000 * seconds * moment(random)));
    const Outcome outcome = run_process(call);
    killed += outcome.in_time ? 0 : 1;
    resumed += outcome.err.find("going on from the snapshot") != std::string::npos ? 1 : 0;
    EXPECT_TRUE(!outcome.in_time || outcome.exit_code == 0) << outcome.err;
  }
  EXPECT_EQ(killed, 10);
  EXPECT_GE(resumed, 3);  // else the kills came too early to show anything
  tiny.trained("run", {"--resume"});
  EXPECT_TRUE(tiny.final_files("whole") == tiny.final_files("run"));
  EXPECT_EQ(tiny.metrics("whole"), tiny.metrics("run"));
}

TEST(Resume, AnInterruptSavesAndEndsWith130) {
  const TinyRun tiny;
  tiny.trained("whole");
  Call call = tiny.call("run");
  call.interrupt_on = "step 6/24";
  const Outcome outcome = run_process(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted; give --resume to go on"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(tiny / "run/final"));
  const Outcome rest = tiny.trained("run", {"--resume"});
  EXPECT_NE(rest.err.find("going on from the snapshot of step"), std::string::npos) << rest.err;
  EXPECT_TRUE(tiny.final_files("whole") == tiny.final_files("run"));
}

TEST(Resume, OnNothingStartsAndOnAFinishedRunSaysSo) {
  const TinyRun tiny;
  tiny.trained("run", {"--resume"});
  const auto files = tiny.final_files("run");
  const Outcome again = tiny.trained("run", {"--resume"});
  EXPECT_NE(again.err.find("this run is finished already"), std::string::npos) << again.err;
  EXPECT_TRUE(files == tiny.final_files("run"));
}

TEST(Resume, TakesThreadsAndNumbersFromTheSnapshot) {
  const TinyRun tiny;
  tiny.trained("whole");
  Call call = tiny.call("run");
  call.interrupt_on = "step 6/24";
  ASSERT_EQ(run_process(call).exit_code, 130);
  const Outcome rest = tiny.trained("run", {"--resume", "--set", "threads=1", "--set", "products=bf16"});
  EXPECT_NE(rest.err.find("computes in f32 with 2 threads"), std::string::npos) << rest.err;
  EXPECT_TRUE(tiny.final_files("whole") == tiny.final_files("run"));
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
  fs::path last_snapshot() const {
    fs::path last;
    for (const auto& entry : fs::directory_iterator(tiny / "run/snapshots"))
      last = std::max(last, entry.path());
    return last;
  }

  TinyRun tiny;
};

TEST_F(Stopped, KeepsTwoSnapshots) {
  const auto snapshots = fs::directory_iterator(tiny / "run/snapshots");
  EXPECT_EQ(std::distance(begin(snapshots), end(snapshots)), 2);
}

TEST_F(Stopped, IsNotStartedAnew) { expect_refused(2, "the folder is not empty; give --resume", {}); }

TEST_F(Stopped, RefusesAnotherRecipe) {
  expect_refused(2, "dense.learning_rate, schedule.steps differ",
                 {"--resume", "--set", "schedule.steps=48", "--set", "dense.learning_rate=0.1"});
}

TEST_F(Stopped, RefusesAnotherCorpus) {
  fs::remove_all(tiny / "run/corpus");
  tiny.write("text.jsonl", read_file(tiny / "text.jsonl", 1 << 20) + "{\"text\": \"one more\"}\n");
  expect_refused(1, "the training data is not that of the snapshot");
}

TEST_F(Stopped, ReportsMayChange) {
  tiny.trained("run", {"--resume", "--set", "reporting.save_every=100", "--set", "name=other"});
}

TEST_F(Stopped, ADamagedSnapshotIsRefusedAndTheOneBeforeServes) {
  const fs::path file = last_snapshot() / "state.safetensors";
  std::string bytes = read_file(file, 64U << 20);
  bytes[bytes.size() - 100] ^= 1;
  write_file(file, bytes);
  expect_refused(1, "damaged; remove this snapshot to go on from the one before");
  fs::remove_all(last_snapshot());
  tiny.trained("run", {"--resume"});
}

TEST_F(Stopped, ADamagedStateIsRefused) {
  write_file(last_snapshot() / "state.json", "{\"version\": 1");
  expect_refused(1, "state.json");
}

TEST_F(Stopped, MissingTableRowsAreRefused) {
  fs::remove_all(tiny / "run/tables");
  expect_refused(1, "tables");
}

}  // namespace
}  // namespace nestor::testing
