// Damaged, missing and old files of a stopped run: the same end, or a stop that says what to do.
#include <gtest/gtest.h>

#include <random>

#include "base/file.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMostBytes = 64U << 20;

class Damage : public ::testing::Test {
 protected:
  void SetUp() override { begin(); }
  void begin() const {
    fs::remove_all(tiny / "run");
    fs::copy(stopped(), tiny / "run", fs::copy_options::recursive);
  }
  // With snapshots of step 8 and a later one.
  static fs::path stopped() {
    static const TinyRun origin;
    static const Outcome outcome = [] {
      Call call = origin.call("stopped");
      call.interrupt_on = "step 10/24";
      return run_process(call);
    }();
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    return origin / "stopped";
  }
  // Newest first.
  std::vector<fs::path> snapshots() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(tiny / "run/snapshots")) found.push_back(entry.path());
    std::sort(found.rbegin(), found.rend());
    return found;
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(tiny / "run")) {
      if (entry.is_regular_file() && entry.file_size() > 0) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  static void flip(const fs::path& file, std::uint64_t bit) {
    std::string bytes = read_file(file, kMostBytes);
    const std::uint64_t at = bit / 8 % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (bit % 8)));
    write_file(file, bytes);
  }
  void expect_to_end(const std::string& said = "") const {
    const Outcome outcome = tiny.trained("run", {"--resume"});
    EXPECT_NE(outcome.err.find(said), std::string::npos) << outcome.err;
    expect_same_end(tiny, "run");
  }
  void expect_stop(const std::string& said) const {
    const Outcome outcome = tiny.train("run", {"--resume"});
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_NE(outcome.err.find(said), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(tiny / "run/final"));
  }
  using Harm = std::function<void(const fs::path& snapshot)>;
  void expect_the_older_one_to_serve(const std::vector<Harm>& harms) const {
    for (const Harm& harm : harms) {
      begin();
      const fs::path newest = snapshots()[0];
      harm(newest);
      expect_to_end("warning: the snapshot " + newest.string() + " cannot be used: ");
    }
  }
  TinyRun tiny;
};

TEST_F(Damage, OfTheNewestSnapshotIsNamedAndTheOneBeforeServes) {
  expect_the_older_one_to_serve(
      {[](const fs::path& s) {
         flip(s / "state.safetensors", 8 * fs::file_size(s / "state.safetensors") - 800);
       },
       [](const fs::path& s) { write_file(s / "state.json", "{\"version\": 1"); },
       [](const fs::path& s) { flip(fs::directory_iterator(s / "rows-0-of-1")->path(), 3333); },
       [](const fs::path& s) {
         std::string text = read_file(s / "state.json", kMostBytes);
         text.replace(text.find("\"threads\": 2"), 12, "\"threads\": 1");
         write_file(s / "state.json", text);
       }});
}

TEST_F(Damage, OfBothSnapshotsEndsWithAStop) {
  for (const fs::path& snapshot : snapshots()) flip(snapshot / "state.safetensors", 8000);
  expect_stop("no snapshot of this run can be used, so that there is nothing to go on from");
  // Its advice.
  fs::remove_all(tiny / "run/snapshots");
  fs::copy(stopped() / "snapshots", tiny / "run/snapshots", fs::copy_options::recursive);
  expect_to_end();
}

TEST_F(Damage, RemovedSnapshotsAreNoNewBeginning) {
  for (const fs::path& snapshot : snapshots()) fs::remove_all(snapshot);
  expect_stop("the snapshots of this run are gone, so that there is nothing to go on from");
}

TEST_F(Damage, OfTheCorpusIsFoundAndItIsPackedAgain) {
  for (const std::string name : {"train-00000.ids", "corpus.json"}) {
    begin();
    flip(tiny / "run/corpus" / name, 8 * 20);
    expect_stop((tiny / "run/corpus" / name).string());
    fs::remove_all(tiny / "run/corpus");  // its advice
    expect_to_end();
  }
}

// Of the same lengths, so that documents start where they did.
TEST_F(Damage, OtherWordsAreAnotherCorpus) {
  fs::remove_all(tiny / "run/corpus");
  std::string text = read_file(tiny / "text.jsonl", 1 << 20);
  for (std::size_t at = 0; (at = text.find(" dog ", at)) != std::string::npos;) text.replace(at, 5, " old ");
  tiny.write("text.jsonl", text);
  expect_stop("the training data is not that of the snapshot");
}

TEST_F(Damage, AnotherHeldOutTextIsSaid) {
  std::string held;
  for (int i = 0; i < 40; ++i) held += "the small dog saw a red house. ";
  const std::string argument = "data.heldout=" + tiny.write("held.txt", held);
  const Outcome outcome = tiny.trained("run", {"--resume", "--set", argument});
  EXPECT_NE(outcome.err.find("warning: the held-out text is not what it was"), std::string::npos)
      << outcome.err;
  EXPECT_TRUE(undisturbed().final_files("whole") == tiny.final_files("run"));
}

// As older versions left them: rows beside the snapshots, no checksums of state.json and of the corpus, no
// record.
TEST_F(Damage, NoneAndARunOfAnOlderVersion) {
  fs::create_directories(tiny / "run/tables");
  for (const fs::path& snapshot : snapshots()) {
    for (const auto& rows : fs::directory_iterator(snapshot / "rows-0-of-1"))
      fs::rename(rows.path(), tiny / "run/tables" / rows.path().filename());
    fs::remove(snapshot / "rows-0-of-1");
    Json state = read_json(snapshot / "state.json", kMostBytes);
    for (const char* key : {"checksum", "owners", "earlier_steps", "evaluation_due"}) state.erase(key);
    state["version"] = 1;
    for (const char* key : {"checksum", "held-out text"}) state["corpus"].erase(key);
    write_file(snapshot / "state.json", to_text(state, 2));
  }
  Json corpus = read_json(tiny / "run/corpus/corpus.json", kMostBytes);
  corpus.erase("checksum");
  for (const char* split : {"train", "heldout"}) {
    corpus["splits"][split].erase("checksum");
    fs::remove(tiny / "run/corpus" / (std::string(split) + ".sums"));
  }
  write_file(tiny / "run/corpus/corpus.json", to_text(corpus, 2));
  fs::remove(tiny / "run/run.json");
  expect_to_end();
  EXPECT_FALSE(fs::exists(tiny / "run/tables"));
}

class DamageLong : public Damage {};

TEST_F(DamageLong, OfWholeFilesOfTheNewestSnapshot) {
  expect_the_older_one_to_serve({[](const fs::path& s) { fs::remove(s / "state.safetensors"); },
                                 [](const fs::path& s) { fs::remove_all(s / "rows-0-of-1"); }});
}

// A bit of every file, several times over.
TEST_F(DamageLong, AnyBitOfAnyFile) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 5; ++round) {
    begin();
    for (const fs::path& file : files()) {
      begin();
      flip(file, random());
      const Outcome outcome = tiny.train("run", {"--resume"});
      if (outcome.exit_code != 0) {
        EXPECT_NE(outcome.err.find("nestor: error: "), std::string::npos) << outcome.err;
      } else {
        EXPECT_TRUE(undisturbed().final_files("whole") == tiny.final_files("run")) << file << outcome.err;
      }
    }
  }
}

}  // namespace
}  // namespace nestor::testing
