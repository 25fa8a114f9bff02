#include "study/job.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/file.h"
#include "study/job_store.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::study {
namespace {

Grid grid() {
  Grid g;
  g.variants = {{"a", {{"x", 1}}, {1, 2}}, {"b", {{"x", 2}}, {2, 3}}};
  return g;
}

TEST(Job, EveryVariantHasItsSeeds) {
  std::string text;
  for (const Job& job : jobs_of(grid(), {})) text += job.name + std::to_string(job.seed) + " ";
  EXPECT_EQ(text, "a1 a2 b2 b3 ");
}

TEST(Job, TheKeyIsWhatDecidesTheResult) {
  const auto key = [](const Grid& g, const Context& c) { return jobs_of(g, c).front().key; };
  const std::string first = key(grid(), {"corpus", "1.0"});
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(key(grid(), {"corpus", "1.0"}), first);
  EXPECT_NE(key(grid(), {"other", "1.0"}), first);
  EXPECT_NE(key(grid(), {"corpus", "1.1"}), first);
  Grid g = grid();
  g.variants[0].recipe["name"] = g.variants[0].name = "renamed";
  EXPECT_EQ(key(g, {"corpus", "1.0"}), first);
  g.variants[0].recipe["x"] = 3;
  EXPECT_NE(key(g, {"corpus", "1.0"}), first);
  std::set<std::string> keys;
  for (const Job& job : jobs_of(grid(), {})) keys.insert(job.key);
  EXPECT_EQ(keys.size(), 4U);
}

// All parts together are all jobs, each once, however many parts there are.
TEST(Job, PartsAreDisjointAndComplete) {
  const std::vector<Job> jobs = jobs_of(grid(), {});
  for (std::int64_t parts = 1; parts <= 6; ++parts) {
    std::multiset<std::string> keys;
    for (std::int64_t part = 1; part <= parts; ++part) {
      for (const Job& job : share_of(jobs, part, parts)) keys.insert(job.key);
    }
    EXPECT_EQ(keys.size(), jobs.size());
    EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), jobs.size());
  }
  for (const auto& [part, parts] : {std::pair{0, 2}, std::pair{3, 2}, std::pair{1, 0}})
    EXPECT_REFUSED(share_of(jobs, part, parts), ErrorKind::usage, "I/N");
}

JobResult result() {
  JobResult r;
  r.name = "a";
  r.seed = 3;
  r.total = 730924;
  r.losses = {{10, 5.5}, {20, 5.25}};
  r.heldout = {{150, 4.3131}};
  r.norms = {{"0 attn 0", 9.125, 0.5}};
  r.right = 7;
  r.questions = 10;
  r.machine = "a \"machine\"";
  return r;
}

TEST(Job, ResultsAreReadAsTheyWereWritten) {
  const Json json = to_json(result());
  EXPECT_EQ(to_json(result_from(parse_json(to_text(json), "x"), "x")), json);
  for (const auto& [key, value] : json.items()) {
    Json less = json;
    less.erase(key);
    EXPECT_REFUSED(result_from(less, "job x"), ErrorKind::bad_input, "job x");
  }
}

// Whatever bit is wrong, the result is computed again or is still the same.
TEST(JobStore, NoticesEveryFlippedBit) {
  const testing::ScratchFolder folder;
  const JobStore store(folder.path() / "jobs");
  std::vector<std::string> notes;
  const Note note = [&](const std::string& text) { notes.push_back(text); };
  EXPECT_FALSE(store.find("key", note));
  const Json kept = {{"value", 4.25}, {"text", "abc"}};
  store.put("key", kept);
  EXPECT_EQ(store.find("key", note), kept);
  EXPECT_TRUE(notes.empty());
  const std::string bytes = read_file(folder.path() / "jobs/key.json", 1 << 20);
  int noticed = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    std::ofstream(folder.path() / "jobs/key.json") << damaged;
    notes.clear();
    const auto found = store.find("key", note);
    EXPECT_EQ(found.value_or(kept), kept) << damaged;
    EXPECT_EQ(notes.empty(), found.has_value());
    noticed += found ? 0 : 1;
  }
  EXPECT_GT(noticed, static_cast<int>(6 * bytes.size()));
  for (const std::string& text :
       {std::string(), bytes.substr(0, bytes.size() / 2), std::string("[]"), std::string("null")}) {
    write_file(folder.path() / "jobs/key.json", text);
    EXPECT_FALSE(store.find("key", note)) << text;
  }
}

TEST(JobStore, AResultUnderAnotherNameIsNone) {
  const testing::ScratchFolder folder;
  const JobStore store(folder.path());
  store.put("one", {{"value", 1}});
  std::filesystem::copy_file(folder.path() / "one.json", folder.path() / "two.json");
  std::string said;
  EXPECT_FALSE(store.find("two", [&](const std::string& text) { said = text; }));
  EXPECT_NE(said.find("computed again"), std::string::npos);
}

}  // namespace
}  // namespace nestor::study
