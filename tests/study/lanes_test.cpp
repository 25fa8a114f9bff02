#include "study/lanes.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "fake_programs.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;

// Asks for a stop after so many calls.
class StopAfter : public ProgressSink {
 public:
  explicit StopAfter(int calls) : calls_(calls) {}
  void advance(std::string_view, std::uint64_t, std::uint64_t) override {
    if (--calls_ == 0) source.request_stop();
  }
  std::stop_source source;

 private:
  int calls_;
};

struct Workshop {
  Workshop() {
    const Json recipe = preset("smoke")["base"];
    for (const char* name : {"a", "b", "c"}) {
      Json named = recipe;
      named["name"] = name;
      named["dense"]["learning_rate"] = 0.001 * name[0];
      grid.variants.push_back({name, named, {1, 2}});
    }
    fs::create_directories(folder.path() / "work");
    data = {folder.path() / "tokenizer", folder.path() / "corpus", folder.write("cloze.jsonl", "{}\n"),
            "corpus"};
  }

  void run(int lanes = 2) {
    NoProgress nothing;
    run_jobs(jobs(), setting, store, {lanes, note}, nothing, {});
  }
  std::vector<Job> jobs() const { return jobs_of(grid, {"corpus", "1"}); }
  int stored() const {
    int count = 0;
    for (const Job& job : jobs()) count += fs::exists(folder.path() / "jobs" / (job.key + ".json")) ? 1 : 0;
    return count;
  }

  testing::ScratchFolder folder;
  testing::FakePrograms programs;
  Grid grid;
  StudyData data;
  StartProcess start = programs.start();
  JobSetting setting{start, data, folder.path() / "work", 0, "a machine"};
  JobStore store{folder.path() / "jobs"};
  std::vector<std::string> notes;
  Note note = [this](const std::string& text) { notes.push_back(text); };
};

TEST(Lanes, RunEveryJobOnceSideBySide) {
  for (const int lanes : {1, 2, 4, 100}) {
    Workshop w;
    w.run(lanes);
    EXPECT_EQ(w.programs.trained, 6);
    EXPECT_EQ(w.programs.asked, 6);
    EXPECT_EQ(w.programs.most_at_once, std::min(lanes, 6));
    EXPECT_EQ(w.stored(), 6);
    EXPECT_TRUE(fs::is_empty(w.folder.path() / "work"));
    w.run(lanes);
    EXPECT_EQ(w.programs.trained, 6);
  }
}

TEST(Lanes, AResultIsWhatTheProgramsSaid) {
  Workshop w;
  w.programs.loss = [](const std::string& name, int seed) { return (name == "b" ? 3.0 : 4.0) + seed; };
  w.run();
  const JobResult r = result_from(*w.store.find(w.jobs().at(4).key, w.note), "b");
  EXPECT_EQ(r.name, "b");
  EXPECT_EQ(r.seed, 2U);
  EXPECT_EQ(r.final_heldout(), 5);
  EXPECT_EQ(r.bits_per_byte, 2.5);
  EXPECT_EQ(r.right, 5);
  EXPECT_EQ(r.questions, 10);
  EXPECT_EQ(r.load, 4.5);
  EXPECT_EQ(r.norms.at(0).branch, 9);
  EXPECT_EQ(r.losses.size(), 10U);
  EXPECT_EQ(r.cpu_seconds, 4);
  EXPECT_NEAR(r.seconds_per_step, 2.048, 1e-12);
  EXPECT_EQ(r.machine, "a machine");
  EXPECT_NE(w.notes.at(0).find("busiest expert 4.5 times the mean"), std::string::npos);
}

TEST(Lanes, OneFailureLeavesTheOthers) {
  Workshop w;
  w.programs.fails = [](const std::string& name, int seed) { return name == "b" && seed == 1; };
  EXPECT_REFUSED(w.run(), ErrorKind::bad_input,
                 "b seed 1: nestor-train ended with code 1: nestor: error: out of luck");
  EXPECT_EQ(w.stored(), 5);
  w.programs.fails = [](const std::string&, int) { return false; };
  w.run();
  EXPECT_EQ(w.programs.trained, 7);
  EXPECT_EQ(w.stored(), 6);
}

// Stopped wherever, the same call does the rest.
TEST(Lanes, AStopKeepsWhatIsDone) {
  for (int calls = 1; calls < 40; calls += 4) {
    Workshop w;
    StopAfter progress(calls);
    try {
      run_jobs(w.jobs(), w.setting, w.store, {2, w.note}, progress, progress.source.get_token());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::cancelled) << error.what();
    }
    EXPECT_EQ(w.programs.running, 0);
    w.run();
    EXPECT_EQ(w.stored(), 6);
    EXPECT_LE(w.programs.trained, 6 + 2);
  }
}

TEST(Lanes, ADamagedResultIsComputedAgain) {
  Workshop w;
  w.run();
  const std::string key = w.jobs().at(3).key, file = "jobs/" + key + ".json";
  const std::string bytes = read_file(w.folder.path() / file, 1 << 20);
  w.folder.write(file, bytes.substr(0, bytes.size() - 30));
  w.notes.clear();
  w.run();
  EXPECT_EQ(w.programs.trained, 7);
  EXPECT_NE(w.notes.at(0).find("computed again"), std::string::npos);
  EXPECT_EQ(read_file(w.folder.path() / file, 1 << 20), bytes);
}

// What a killed process left of a run may be of no use.
TEST(Lanes, ADamagedRunBeginsOnceMore) {
  Workshop w;
  w.folder.write("work/" + w.jobs().at(0).key + "/run/spoilt", "x");
  w.run();
  EXPECT_EQ(w.programs.trained, 7);
  EXPECT_EQ(w.stored(), 6);
}

TEST(Lanes, EqualRunsAreRunOnce) {
  Workshop w;
  for (Variant& variant : w.grid.variants) variant.recipe["dense"]["learning_rate"] = 0.008;
  w.run(4);
  EXPECT_EQ(w.programs.trained, 2);  // seeds
  EXPECT_EQ(w.stored(), 6);
}

TEST(Lanes, WithoutATaskNobodyIsAsked) {
  Workshop w;
  w.folder.write("cloze.jsonl", "");
  w.run();
  EXPECT_EQ(w.programs.asked, 0);
  EXPECT_EQ(result_from(*w.store.find(w.jobs().at(0).key, w.note), "a").questions, 0);
}

}  // namespace
}  // namespace nestor::study
