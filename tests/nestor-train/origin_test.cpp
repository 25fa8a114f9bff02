// Where a run begins is remembered, and new runs begin from others.
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

void expect_refused(const Outcome& outcome, int exit_code, const std::string& part) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
}

class Origin : public ::testing::Test {
 protected:
  void SetUp() override { fs::copy(undisturbed() / "whole", tiny / "first", fs::copy_options::recursive); }
  std::string folder(const std::string& name) const { return (tiny / name).string(); }
  std::string weights(const std::string& run) const { return tiny.final_files(run).at("model.safetensors"); }
  // Ends before its first snapshot.
  void kill_early(const std::string& run, std::vector<std::string> more) const {
    more.insert(more.end(), {"--set", "reporting.save_every=1000"});
    Call call = tiny.call(run, more);
    call.kill_when = printed("step 2/24");
    ASSERT_FALSE(run_process(call).in_time);
  }
  TinyRun tiny;
};

TEST_F(Origin, IsRememberedAndAnotherIsRefused) {
  const std::vector<std::string> init = {"--init", folder("first/final")};
  fs::copy(tiny / "first", tiny / "other", fs::copy_options::recursive);
  tiny.trained("whole", init);
  kill_early("run", init);
  expect_refused(
      tiny.train("run", {"--resume", "--init", folder("other/final")}), 2,
      "began from the checkpoint " + folder("first/final") + ", not from " + folder("other/final"));
  expect_refused(tiny.train("run", {"--resume", "--init", folder("first")}), 2,
                 "not from " + folder("first"));
  const Outcome rest = tiny.trained("run", {"--resume"});
  EXPECT_NE(rest.err.find("the run begins with the checkpoint " + folder("first/final")), std::string::npos);
  EXPECT_TRUE(weights("whole") == weights("run"));
  kill_early("random", {});
  expect_refused(tiny.train("random", {"--resume", "--init", folder("first/final")}), 2,
                 "began from random weights, not from");
  tiny.trained("random", {"--resume"});
  EXPECT_TRUE(weights("random") == weights("first"));
}

// After a snapshot nothing of the origin is read, so that it may be gone.
TEST_F(Origin, ItMayBeGoneOnceThereIsASnapshot) {
  Call call = tiny.call("run", {"--init", folder("first/final")});
  call.interrupt_on = "step 6/24";
  ASSERT_EQ(run_process(call).exit_code, 130);
  fs::rename(tiny / "first", tiny / "moved");
  tiny.trained("run", {"--resume", "--init", folder("first/final")});
}

TEST_F(Origin, OneThatIsGoneIsNamed) {
  kill_early("run", {"--init", folder("first/final")});
  fs::rename(tiny / "first", tiny / "moved");
  expect_refused(tiny.train("run", {"--resume"}), 1, folder("first/final"));
  fs::rename(tiny / "moved", tiny / "first");
  tiny.trained("run", {"--resume"});
}

TEST_F(Origin, MayBeARunOrASnapshotWithOrWithoutItsOptimizer) {
  const std::string snapshot = folder("first/snapshots/step-000000024");
  const std::vector<std::string> constant = {"--set", "schedule.kind=constant", "--set",
                                             "schedule.warmup_steps=0"};
  const auto from = [&](const std::string& run, std::vector<std::string> more) {
    more.insert(more.end(), constant.begin(), constant.end());
    const Outcome outcome = tiny.trained(run, more);
    EXPECT_NE(outcome.err.find("the run begins with the snapshot " + snapshot), std::string::npos)
        << outcome.err;
    EXPECT_LT(tiny.metrics(run).at("train 2")["loss"], tiny.metrics("first").at("train 8")["loss"]) << run;
  };
  from("run", {"--init", folder("first")});
  from("snapshot", {"--init", snapshot});
  from("everything", {"--init", folder("first"), "--with-optimizer"});
  from("other-kinds", {"--init", folder("first"), "--set", "dense.kind=adamw", "--set", "tables.kind=adam",
                       "--set", "tables.numbers=bf16"});
  EXPECT_TRUE(weights("run") == weights("snapshot"));
  EXPECT_FALSE(weights("run") == weights("everything"));
  // Going on with the optimizer's steps counted from the first run.
  Call call = tiny.call("stopped", {"--init", folder("first"), "--with-optimizer", constant[0], constant[1],
                                    constant[2], constant[3]});
  call.interrupt_on = "step 10/24";
  ASSERT_EQ(run_process(call).exit_code, 130);
  tiny.trained("stopped", {"--resume", constant[0], constant[1], constant[2], constant[3]});
  EXPECT_TRUE(weights("stopped") == weights("everything"));
}

TEST_F(Origin, WhatIsNoOriginIsNamed) {
  fs::create_directories(tiny / "empty");
  expect_refused(tiny.train("a", {"--init", folder("empty")}), 1,
                 "neither a run that has a snapshot nor a snapshot");
  expect_refused(tiny.train("a", {"--init", folder("first/final"), "--with-optimizer"}), 2,
                 "has no optimizer");
  expect_refused(tiny.train("a", {"--with-optimizer"}), 2, "--init");
  expect_refused(tiny.train("a", {"--init", folder("first"), "--set", "model.config.hidden_size=32"}), 1,
                 "expected");
  expect_refused(
      tiny.train("b", {"--init", folder("first"), "--with-optimizer", "--set", "dense.kind=adamw"}), 1,
      "snapshot");
}

TEST_F(Origin, ConvertMakesACheckpointOfARun) {
  const auto convert = [&](const std::vector<std::string>& arguments) {
    Call call{.program = built_program("nestor"), .arguments = {"convert"}};
    call.arguments.insert(call.arguments.end(), arguments.begin(), arguments.end());
    return run_process(call);
  };
  for (const char* source : {"first", "first/snapshots/step-000000024"}) {
    const std::string target = folder(std::string(source) + "-written");
    const Outcome outcome = convert({folder(source), target});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(target))
      files[entry.path().filename().string()] = read_file(entry.path(), 64U << 20);
    EXPECT_TRUE(files == tiny.final_files("first"));
    expect_refused(convert({folder(source), target}), 2, "already there");
  }
  ASSERT_EQ(convert({folder("first/snapshots/step-000000020"), folder("before")}).exit_code, 0);
  EXPECT_FALSE(read_file(tiny / "before/model.safetensors", 64U << 20) == weights("first"));
  expect_refused(convert({folder("first"), folder("q"), "--weights", "q8"}), 2,
                 "convert it without options first");
}

TEST_F(Origin, MoreStepsGoOnAfterTheEnd) {
  const std::vector<std::string> constant = {"--set", "schedule.kind=constant"};
  const auto steps = [&](const char* n) {
    return std::vector<std::string>{"--resume", constant[0], constant[1], "--set",
                                    std::string("schedule.steps=") + n};
  };
  tiny.trained("whole", steps("32"));
  tiny.trained("run", steps("24"));
  const std::string before = weights("run");
  expect_refused(tiny.train("run", steps("20")), 2, "schedule.steps is 20, but the run has done 24 already");
  Call call = tiny.call("run", steps("32"));
  call.kill_when = printed("step 30/32");
  run_process(call);
  tiny.trained("run", steps("32"));
  EXPECT_TRUE(tiny.final_files("run") == tiny.final_files("whole"));
  EXPECT_EQ(tiny.metrics("run"), tiny.metrics("whole"));
  EXPECT_TRUE(read_file(tiny / "run/final-24/model.safetensors", 64U << 20) == before);
  const Outcome again = tiny.trained("run", steps("32"));
  EXPECT_NE(again.err.find("this run is finished already"), std::string::npos) << again.err;
}

}  // namespace
}  // namespace nestor::testing
