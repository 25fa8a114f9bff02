// The folder of a run, and the metrics in it.
#include "train/loop/run_folder.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/file.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "train/loop/metrics.h"
#include "train/loop/run_record.h"
#include "train/loop/snapshot.h"

namespace nestor::train {
namespace {

using Mode = RunFolder::Mode;

TEST(RunFolder, IsHeldByOneAtATime) {
  const testing::ScratchFolder scratch;
  const auto path = scratch.path() / "a/run";
  {
    const RunFolder folder(path, Mode::fresh);
    EXPECT_REFUSED(RunFolder(path, Mode::resume), ErrorKind::usage,
                   "another process is at work in this folder");
  }
  const RunFolder again(path, Mode::fresh);  // a lock alone is nothing
}

RunRecord some_record() {
  return {{Origin::Kind::checkpoint, "/a/b"}, {{"schedule", {{"steps", 5}}}}, true, 4};
}

// Every file below a folder, with its contents; of a link, its name alone.
std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const bool file = entry.is_regular_file() && !entry.is_symlink();
    found[entry.path().lexically_relative(folder).string()] = file ? read_file(entry.path(), 1 << 20) : "";
  }
  return found;
}

TEST(RunFolder, OneThatIsNoRunIsRefusedAndLeftAsItIs) {
  const std::vector<std::vector<std::string>> strangers = {
      {"file"},
      {"corpus/text.jsonl", "corpus.12.tmp", "final.partial/x", "snapshots/a", "notes.tmp", "b.partial"},
      {"recipe.json"},
      {"recipe.json", "snapshots/mine"},
      {"snapshots/step-000000004/state.json"},
      {"metrics.jsonl", "tables/a.rows"},
      {"final/config.json"},
      {"lock", "other"},
      {"run.json.x.tmp"},
  };
  for (const auto& names : strangers) {
    const testing::ScratchFolder scratch;
    for (const std::string& name : names) scratch.write(name, "{}");
    const auto before = contents(scratch.path());
    for (const Mode mode : {Mode::fresh, Mode::resume})
      EXPECT_REFUSED(RunFolder(scratch.path(), mode), ErrorKind::usage, "no run (it has no run.json)");
    EXPECT_EQ(contents(scratch.path()), before) << names.front();
  }
}

// What a kill leaves between the first system calls of a run is a beginning.
TEST(RunFolder, WhatAKillLeavesAtTheBeginningIsABeginning) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"lock"}, {"lock", "run.json.77.tmp"}}) {
    for (const Mode mode : {Mode::fresh, Mode::resume}) {
      const testing::ScratchFolder scratch;
      for (const std::string& name : names) scratch.write(name, "");
      EXPECT_NO_THROW(RunFolder(scratch.path(), mode));
      EXPECT_FALSE(std::filesystem::exists(scratch.path() / "run.json.77.tmp"));
    }
  }
  for (const Mode mode : {Mode::fresh, Mode::resume}) {
    const testing::ScratchFolder scratch;
    write_record(scratch.path(), some_record());
    scratch.write("recipe.json", "{}");
    scratch.write("recipe.json.3.tmp", "");
    EXPECT_NO_THROW(RunFolder(scratch.path(), mode));
  }
}

TEST(RunFolder, ARunIsForResumingOnly) {
  const testing::ScratchFolder scratch;
  write_record(scratch.path(), some_record());
  scratch.write("corpus/corpus.json", "{}");
  EXPECT_REFUSED(RunFolder(scratch.path(), Mode::fresh), ErrorKind::usage, "give --resume");
  EXPECT_NO_THROW(RunFolder(scratch.path(), Mode::resume));
}

TEST(RunFolder, RunsOfOlderVersionsCount) {
  for (const char* name : {"snapshots/step-000000400/state.json", "final/config.json"}) {
    const testing::ScratchFolder scratch;
    scratch.write("recipe.json", "{}");
    scratch.write(name, "{}");
    EXPECT_NO_THROW(RunFolder(scratch.path(), Mode::resume));
  }
}

TEST(RunFolder, ADamagedRecordSaysWhatToDo) {
  const testing::ScratchFolder scratch;
  write_record(scratch.path(), some_record());
  const auto file = scratch.path() / "run.json";
  const std::string good = read_file(file, 1 << 20);
  for (const std::string& bad : {good.substr(0, good.size() / 2), std::string("{}"), std::string(),
                                 std::string(good).replace(good.find("checkpoint"), 1, "b")}) {
    write_file(file, bad);
    EXPECT_REFUSED(RunFolder(scratch.path(), Mode::resume), ErrorKind::bad_input, "nothing is saved in it");
  }
  scratch.write("recipe.json", "{}");
  scratch.write("snapshots/step-000000400/state.json", "{}");
  EXPECT_REFUSED(RunFolder(scratch.path(), Mode::resume), ErrorKind::bad_input, "remove this file");
  std::filesystem::remove(file);
  EXPECT_NO_THROW(RunFolder(scratch.path(), Mode::resume));
}

TEST(RunFolder, SnapshotsBehindALinkAreRefused) {
  for (const char* name : {"snapshots", "tables"}) {
    const testing::ScratchFolder scratch;
    scratch.write("elsewhere/step-000000004/x", "x");
    const auto run = scratch.path() / "run";
    std::filesystem::create_directory(run);
    write_record(run, some_record());
    std::filesystem::create_directory_symlink(scratch.path() / "elsewhere", run / name);
    EXPECT_REFUSED(RunFolder(run, Mode::resume), ErrorKind::usage, "is a link");
    EXPECT_TRUE(std::filesystem::exists(scratch.path() / "elsewhere/step-000000004/x"));
  }
}

TEST(RunFolder, CountsCompleteSnapshotsOnly) {
  const testing::ScratchFolder scratch;
  for (const char* name : {"step-000000400", "step-000000200", "step-000000600.part", "step-x", "step-7"}) {
    scratch.write(std::string("snapshots/") + name + "/state.json", "{}");
  }
  scratch.write("snapshots/step-000000500/state.safetensors", "");
  EXPECT_EQ(saved_steps(scratch.path()), (std::vector<std::int64_t>{200, 400}));
  EXPECT_EQ(snapshot_path(scratch.path(), 400).filename(), "step-000000400");
}

TEST(RunFolder, ResumingRemovesWhatAKilledProcessLeftAndNothingElse) {
  const testing::ScratchFolder scratch;
  write_record(scratch.path(), some_record());
  for (const char* ours :
       {"corpus.123.tmp/a", "final.partial/a", "recipe.json.4.tmp", "metrics.jsonl.55.tmp"})
    scratch.write(ours, "x");
  const std::vector<const char*> others = {
      "notes.tmp",     "corpus.tmp/a",        "corpus.old.tmp/a", "my.partial/a",
      "final.txt",     "snapshots/backup/a",  "lock.tmp",         "corpus/a",
      "metrics.jsonl", "final.partial.old/a", "a.123.tmp"};
  for (const char* other : others) scratch.write(other, "x");
  const RunFolder folder(scratch.path(), Mode::resume);
  for (const char* other : others) EXPECT_TRUE(std::filesystem::exists(scratch.path() / other)) << other;
  for (const char* ours : {"corpus.123.tmp", "final.partial", "recipe.json.4.tmp", "metrics.jsonl.55.tmp"})
    EXPECT_FALSE(std::filesystem::exists(scratch.path() / ours)) << ours;
}

TEST(RunFolder, OfALeftoverThatIsALinkTheLinkGoes) {
  const testing::ScratchFolder scratch;
  scratch.write("texts/mine", "x");
  const auto run = scratch.path() / "run";
  std::filesystem::create_directory(run);
  write_record(run, some_record());
  std::filesystem::create_directory_symlink(scratch.path() / "texts", run / "corpus.1.tmp");
  const RunFolder folder(run, Mode::resume);
  EXPECT_FALSE(std::filesystem::exists(run / "corpus.1.tmp"));
  EXPECT_TRUE(std::filesystem::exists(scratch.path() / "texts/mine"));
}

TEST(RunFolder, PruningKeepsTheLastTwoAndWhatIsNotOurs) {
  const testing::ScratchFolder scratch;
  write_record(scratch.path(), some_record());
  for (const char* name : {"step-000000002", "step-000000004", "step-000000006", "step-000000008"})
    scratch.write(std::string("snapshots/") + name + "/state.json", "{}");
  for (const char* name : {"step-000000004.part/a", "step-000000001/a", "step-000000002-mine/state.json",
                           "step-2/state.json", "keep", "elsewhere/a"})
    scratch.write(std::string("snapshots/") + name, "x");
  std::filesystem::create_directory_symlink("elsewhere", scratch.path() / "snapshots/step-000000003");
  const RunFolder folder(scratch.path(), Mode::resume);
  prune_snapshots(folder, 6, 2);  // 8 is of a run that went on from an older one
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.snapshots()))
    names.insert(entry.path().filename().string());
  EXPECT_EQ(names, (std::set<std::string>{"step-000000004", "step-000000006", "step-000000002-mine", "step-2",
                                          "keep", "elsewhere", "step-000000003"}));
}

TEST(RunRecord, ComesBackAsItWas) {
  for (const auto kind :
       {Origin::Kind::random, Origin::Kind::checkpoint, Origin::Kind::snapshot, Origin::Kind::unknown}) {
    const testing::ScratchFolder scratch;
    EXPECT_FALSE(read_record(scratch.path()));
    RunRecord record = some_record();
    record.origin = {kind, "/x y", true};
    write_record(scratch.path(), record);
    const RunRecord found = read_record(scratch.path()).value();
    EXPECT_EQ(found.origin.kind, kind);
    EXPECT_EQ(found.origin.path, "/x y");
    EXPECT_TRUE(found.origin.optimizer && found.saved);
    EXPECT_EQ(found.finished, 4);
    EXPECT_EQ(found.recipe, record.recipe);
  }
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
