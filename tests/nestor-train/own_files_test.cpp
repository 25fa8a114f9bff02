// A run touches its own files only, whatever folder it is pointed at.
#include <gtest/gtest.h>

#include "base/file.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    found[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path(), 64U << 20) : "";
  }
  return found;
}

void expect_refused_untouched(const TinyRun& tiny, const Call& call, const fs::path& folder,
                              const std::string& part) {
  const auto before = contents(folder);
  const Outcome outcome = run_process(call);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  EXPECT_EQ(contents(folder), before) << tiny.call("").program;
}

// A folder with texts in corpus/, and things that look like leftovers.
TEST(OwnFiles, AFolderOfTextsIsNoRun) {
  const TinyRun tiny;
  for (const char* name : {"mine/corpus/a.txt", "mine/snapshots/photo", "mine/draft.tmp",
                           "mine/video.partial", "mine/tables/x.rows", "mine/final/thesis.txt"})
    tiny.write(name, "of the user");
  for (const std::string& out : {std::string("."), std::string("./"), (tiny / "mine").string()}) {
    Call call = tiny.call_in_shell("cd \"" + (tiny / "mine").string() + "\" && exec \"$0\" \"$@\"", "unused",
                                   {"--resume", "--set", "data.train=corpus"});
    call.arguments[5] = out;
    expect_refused_untouched(tiny, call, tiny / "mine", "no run (it has no run.json)");
  }
}

// A run whose recipe reads texts that lie where the run would pack them.
TEST(OwnFiles, TextsInTheFolderOfARunStay) {
  const TinyRun tiny;
  Call call = tiny.call("run");
  call.kill_when = printed("step 2/24");
  ASSERT_FALSE(run_process(call).in_time);
  for (const char* name : {"run/corpus", "run/snapshots"}) fs::remove_all(tiny / name);
  tiny.write("run/corpus/a.jsonl", read_file(tiny / "text.jsonl", 1 << 20));
  const Outcome outcome =
      tiny.train("run", {"--resume", "--set", "data.train=" + (tiny / "run/corpus").string()});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("was not packed by a run; move it away"), std::string::npos) << outcome.err;
  EXPECT_TRUE(fs::exists(tiny / "run/corpus/a.jsonl"));
  // Its advice.
  fs::rename(tiny / "run/corpus", tiny / "texts");
  tiny.trained("run", {"--resume", "--set", "data.train=" + (tiny / "texts").string()});
}

TEST(OwnFiles, AStrangeFinalIsFoundAtTheStart) {
  const TinyRun tiny;
  Call call = tiny.call("run");
  call.kill_when = printed("step 6/24");
  ASSERT_FALSE(run_process(call).in_time);
  tiny.write("run/final/mine", "x");
  const Outcome outcome = tiny.train("run", {"--resume"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("is in the way of this run's checkpoint, and not of the run; move it away"),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(outcome.err.find("step 8/24"), std::string::npos);
  fs::rename(tiny / "run/final", tiny / "mine");
  tiny.trained("run", {"--resume"});
}

// The folder of a run may have the name of its preset.
TEST(OwnFiles, AFolderDoesNotHideAPreset) {
  const TinyRun tiny;
  fs::create_directories(tiny / "smoke");
  Call call = tiny.call_in_shell(
      "cd \"" + (tiny / "").string() + "\" && exec \"$0\" smoke --out smoke --resume --set nothing=1",
      "unused");
  const Outcome outcome = run_process(call);
  EXPECT_NE(outcome.err.find("smoke: there is no key \"nothing\""), std::string::npos) << outcome.err;
}

TEST(OwnFiles, AFreshRunBeginsAgainWhereNothingWasRead) {
  const TinyRun tiny;
  EXPECT_EQ(tiny.train("run", {"--set", "data.train=/nowhere.txt"}).exit_code, 1);
  EXPECT_TRUE(fs::exists(tiny / "run/run.json"));
  tiny.trained("run");
}

}  // namespace
}  // namespace nestor::testing
