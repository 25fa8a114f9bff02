// Kills and failing calls at every place where a run changes its folder: what is there afterwards goes on,
// and ends with the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

// A call of which the changing call of that number fails with `error`, or kills with 0.
Call faulty(const TinyRun& tiny, int at, int error,
            const std::vector<std::string>& arguments = {"--resume"}) {
  std::vector<std::string> variables = {std::string("LD_PRELOAD=") + NESTOR_FAULT_LIBRARY,
                                        "FAULT_UNDER=" + (tiny / "run").string(),
                                        "FAULT_AT=" + std::to_string(at)};
  if (error != 0) variables.push_back("FAULT_ERROR=" + std::to_string(error));
  return tiny.call_with(variables, "run", arguments);
}

// Faults come one after the other in one run, as long as it lasts.
void expect_end_after(const std::vector<int>& places, int error) {
  const TinyRun tiny;
  int faults = 0;
  for (const int at : places) {
    const Outcome outcome = run_process(faulty(tiny, at, error));
    if (outcome.exit_code == 0) break;  // done, or the call does not matter
    ++faults;
    EXPECT_EQ(outcome.exit_code, error == 0 ? 128 + 9 : 1) << at << ": " << outcome.err;
    if (error != 0) {
      EXPECT_NE(outcome.err.find("nestor: error: "), std::string::npos) << outcome.err;
    }
  }
  EXPECT_GE(faults, 3);
  tiny.trained("run", {"--resume"});
  expect_same_end(tiny, "run");
  EXPECT_EQ(undisturbed().metrics("whole"), tiny.metrics("run"));
}

TEST(Fault, KillsInTheFirstCalls) { expect_end_after({1, 2, 3, 5, 8, 13, 21, 34}, 0); }
TEST(Fault, KillsWhereSnapshotsAreWritten) { expect_end_after({60, 71, 83, 97}, 0); }
TEST(Fault, AFullDiskEndsWithAnErrorAndIsGoneOnFrom) { expect_end_after({4, 9, 30, 50, 73, 90}, ENOSPC); }

int calls_of(const Outcome& outcome) {
  const std::size_t at = outcome.err.find("changing calls: ");
  return at == std::string::npos ? 0 : std::stoi(outcome.err.substr(at + 16));
}

// From the last snapshot on: the checkpoint takes its place, that of fewer steps goes aside, the record says
// so.
TEST(Fault, KillsAtTheEndOfARunWithMoreSteps) {
  const TinyRun tiny;
  const std::vector<std::string> more = {"--resume", "--set", "schedule.steps=28"};
  const auto begin = [&] {
    fs::remove_all(tiny / "run");
    fs::copy(undisturbed() / "whole", tiny / "run", fs::copy_options::recursive);
  };
  begin();
  const int calls = calls_of(run_process(faulty(tiny, 1 << 20, 0, more)));
  ASSERT_GT(calls, 20);
  const auto files = tiny.final_files("run");
  begin();
  for (int at = calls - 15; at <= calls; at += 3) {
    begin();
    EXPECT_EQ(run_process(faulty(tiny, at, 0, more)).exit_code, 128 + 9) << at;
    tiny.trained("run", more);
    EXPECT_TRUE(files == tiny.final_files("run")) << at;
    EXPECT_TRUE(undisturbed().final_files("whole") == tiny.final_files("run", "final-24")) << at;
  }
}

// A fault in a run of its own, at forty places from its first call to its last.
struct Sweep {
  int error;
  int first;  // the sweeps meet different calls
};
class FaultLong : public ::testing::TestWithParam<Sweep> {};

TEST_P(FaultLong, AllAlongARun) {
  const TinyRun tiny;
  const int calls = calls_of(run_process(faulty(tiny, 1 << 20, 0, {})));
  ASSERT_GT(calls, 40);
  int faults = 0;
  for (int at = GetParam().first; at <= calls; at += std::max(1, calls / 40)) {
    fs::remove_all(tiny / "run");
    const Outcome outcome = run_process(faulty(tiny, at, GetParam().error, {}));
    if (outcome.exit_code != 0) ++faults;
    tiny.trained("run", {"--resume"});
    expect_same_end(tiny, "run");
    EXPECT_EQ(undisturbed().metrics("whole"), tiny.metrics("run"));
    ASSERT_FALSE(HasFailure()) << at << " of " << calls << ": " << outcome.err;
  }
  EXPECT_GE(faults, 30);
}

INSTANTIATE_TEST_SUITE_P(All, FaultLong, ::testing::Values(Sweep{0, 1}, Sweep{ENOSPC, 2}, Sweep{EIO, 3}));

}  // namespace
}  // namespace nestor::testing
