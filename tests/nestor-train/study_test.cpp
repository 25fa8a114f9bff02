// Studies of tiny runs with the real programs: stopped, killed, damaged, shared among processes.
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

// Two runs with two seeds, a second or two each.
class TinyStudy {
 public:
  TinyStudy() {
    Json base = read_json(tiny_ / "recipe.json", 1 << 20);
    base.erase("data");
    base["data"] = {{"window", 32}, {"rows", 4}};
    base["threads"] = 1;
    base["model"]["config"]["vocab_size"] = 300;
    base["model"]["amplification"] = "layer_norm";
    base["reporting"] = {
        {"log_every", 2}, {"evaluate_every", 100}, {"evaluate_tokens", 500}, {"save_every", 8}};
    const Json grid = {
        {"name", "tiny"},
        {"seeds", {1, 2}},
        {"text", {{"sources", {(tiny_ / "text.jsonl").string()}}, {"vocab_size", 300}, {"questions", 4}}},
        {"draws", 0},
        {"base", base},
        {"runs",
         {{{"name", "ne-r12"}, {"set", Json::object()}},
          {{"name", "moe-r12"}, {"set", {{"model.vanilla", true}}}}}}};
    tiny_.write("grid.json", to_text(grid));
  }

  fs::path operator/(const std::string& name) const { return tiny_ / name; }
  Call call(const std::string& out, const std::vector<std::string>& more = {}) const {
    Call call{.program = built_program("nestor"),
              .arguments = {"study", (tiny_ / "grid.json").string(), "--out", (tiny_ / out).string(),
                            "--lanes", "2"}};
    call.arguments.insert(call.arguments.end(), more.begin(), more.end());
    return call;
  }
  void finish(const std::string& out, const std::vector<std::string>& more = {}) const {
    const Outcome outcome = run_process(call(out, more));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  // Without what depends on time.
  Json results(const std::string& out) const {
    Json json = read_json(tiny_ / out / "results.json", 16 << 20);
    json.erase("cpu_seconds");
    for (Json& run : json["runs"]) run.erase("cpu_seconds");
    for (Json& finding : json["findings"]) finding.erase("comparison");
    return json;
  }

 private:
  TinyRun tiny_;
};

const TinyStudy& whole() {
  static const TinyStudy study;
  static const bool done = (study.finish("whole"), true);
  EXPECT_TRUE(done);
  return study;
}

TEST(Study, EndsWithAReport) {
  const Json results = whole().results("whole");
  EXPECT_EQ(results["done"], 4);
  EXPECT_EQ(results["findings"].size(), 13U);
  for (const Json& run : results["runs"]) {
    EXPECT_GT(run["heldout"], 1);
    EXPECT_GE(run["expert_load"], 1);
  }
  const std::string page = read_file(whole() / "whole/report.html", 16 << 20);
  EXPECT_NE(page.find("<figure id=\"fig5\">"), std::string::npos);
  EXPECT_FALSE(fs::exists(whole() / "whole" / "work" / "1-of-1"));
}

TEST(Study, KilledAnywhereItGoesOn) {
  TinyStudy study;
  for (const char* when : {"reading", "seed 1: held-out"}) {
    Call call = study.call("killed");
    call.kill_when = printed(when);
    call.kill_delay = std::chrono::milliseconds(300);
    run_process(call);
  }
  study.finish("killed");
  EXPECT_EQ(study.results("killed"), whole().results("whole"));
}

TEST(Study, InterruptedItStopsItsRunsAndGoesOn) {
  TinyStudy study;
  Call call = study.call("stopped");
  call.interrupt_on = "seed 1: held-out";
  const Outcome outcome = run_process(call);
  if (outcome.exit_code != 0) {
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    EXPECT_NE(outcome.err.find("the same command goes on"), std::string::npos) << outcome.err;
  }
  study.finish("stopped");
  EXPECT_EQ(study.results("stopped"), whole().results("whole"));
}

TEST(Study, ADamagedResultIsComputedAgain) {
  TinyStudy study;
  fs::copy(whole() / "whole", study / "damaged", fs::copy_options::recursive);
  const fs::path job = fs::directory_iterator(study / "damaged/jobs")->path();
  std::string bytes = read_file(job, 1 << 20);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  write_file(job, bytes);
  // The text is where the other study read it.
  fs::copy_file(whole() / "grid.json", study / "grid.json", fs::copy_options::overwrite_existing);
  const Outcome outcome = run_process(study.call("damaged"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("it is computed again"), std::string::npos) << outcome.err;
  EXPECT_EQ(study.results("damaged"), whole().results("whole"));
}

TEST(Study, PartsAreOneWhole) {
  TinyStudy study;
  study.finish("parts", {"--job", "2/2"});
  study.finish("parts", {"--job", "1/2"});
  EXPECT_EQ(study.results("parts"), whole().results("whole"));
  const Outcome again = run_process(
      {.program = built_program("nestor"), .arguments = {"study", "report", (study / "parts").string()}});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.out.find("4 of 4 runs"), std::string::npos) << again.out;
}

}  // namespace
}  // namespace nestor::testing
