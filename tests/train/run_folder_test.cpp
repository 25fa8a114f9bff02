// The folder of a run, and the metrics in it.
#include "train/loop/run_folder.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "train/loop/metrics.h"

namespace nestor::train {
namespace {

using Mode = RunFolder::Mode;

TEST(RunFolder, IsHeldByOneAtATime) {
  const testing::ScratchFolder scratch;
  const auto path = scratch.path() / "a/run";
  {
    const RunFolder folder(path, Mode::fresh);
    EXPECT_REFUSED(RunFolder(path, Mode::resume), ErrorKind::usage, "another process trains in this folder");
  }
  const RunFolder again(path, Mode::fresh);  // a lock alone is nothing
}

TEST(RunFolder, AFullOneIsForResumingOnly) {
  const testing::ScratchFolder scratch;
  scratch.write("run/file", "x");
  EXPECT_REFUSED(RunFolder(scratch.path() / "run", Mode::fresh), ErrorKind::usage, "give --resume");
  EXPECT_NO_THROW(RunFolder(scratch.path() / "run", Mode::resume));
}

TEST(RunFolder, CountsCompleteSnapshotsOnly) {
  const testing::ScratchFolder scratch;
  for (const char* name : {"step-000000400", "step-000000200", "step-000000600.part", "step-x"}) {
    scratch.write(std::string("snapshots/") + name + "/state.json", "{}");
  }
  scratch.write("snapshots/step-000000500/state.safetensors", "");
  const RunFolder folder(scratch.path(), Mode::resume);
  EXPECT_EQ(folder.saved_steps(), (std::vector<std::int64_t>{200, 400}));
  EXPECT_EQ(folder.snapshot(400).filename(), "step-000000400");
}

TEST(RunFolder, ResumingRemovesWhatAKilledProcessLeft) {
  const testing::ScratchFolder scratch;
  scratch.write("corpus.123.tmp/a", "x");
  scratch.write("final.partial/a", "x");
  scratch.write("metrics.jsonl", "x");
  const RunFolder folder(scratch.path(), Mode::resume);
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "corpus.123.tmp"));
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "final.partial"));
  EXPECT_TRUE(std::filesystem::exists(scratch.path() / "metrics.jsonl"));
}

TEST(Metrics, GoOnAfterTheSnapshot) {
  const testing::ScratchFolder scratch;
  const auto lines =
      scratch.write("m.jsonl",
                    "{\"step\":10,\"loss\":1}\n{\"step\":20,\"loss\":2}\n{\"step\":20,\"heldout\":1}\n"
                    "{\"step\":30,\"loss\":3}\n{\"step\":40,\"lo");
  Metrics metrics({lines, scratch.path() / "tb"}, 20);
  StepReport report;
  report.step = 30;
  report.loss = 4;
  metrics.add(report);
  const std::string text = read_file(lines, 1 << 20);
  EXPECT_TRUE(
      text.starts_with("{\"step\":10,\"loss\":1}\n{\"step\":20,\"loss\":2}\n{\"step\":20,\"heldout\":1}\n"
                       "{\"step\":30,\"loss\":4.0,"))
      << text;
}

}  // namespace
}  // namespace nestor::train
