// nestor study and nestor report, as far as they start nothing; with the trainer they are tested in
// tests/nestor-train.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

TEST(StudyCommand, PlansEveryPreset) {
  for (const char* preset : {"smoke", "cpu", "ratio", "shapes", "gpu"}) {
    const std::string plan = output_of({"study", preset, "--plan"});
    EXPECT_NE(plan.find("moe-r12"), std::string::npos) << plan;
    EXPECT_NE(plan.find(" runs; "), std::string::npos) << plan;
  }
  EXPECT_NE(output_of({"study", "gpu", "--plan"}).find("never run"), std::string::npos);
}

TEST(StudyCommand, SaysWhatIsWrong) {
  const Scratch scratch;
  expect_error({"study"}, 2, "GRID");
  expect_error({"study", "qat", "--plan"}, 2, "smoke, cpu, ratio, shapes, gpu");
  expect_error({"study", "smoke"}, 2, "--out is required");
  expect_error({"study", "smoke", "--out", ""}, 2, "empty");
  for (const char* part : {"0/2", "3/2", "1", "1/2/3", "x/2", "1/", "/2"})
    expect_error({"study", "smoke", "--out", (scratch / "s").string(), "--job", part}, 2, "I/N");
  expect_error({"study", scratch.write("grid.json", "{"), "--plan"}, 1, "grid.json");
  expect_error({"study", scratch.write("grid.json", "{}"), "--plan"}, 1, "name");
  expect_error({"study", "report"}, 2, "which folder");
  expect_error({"study", "report", (scratch / "gone").string()}, 1, "no study");
  expect_error({"study", "smoke", "other", "--plan"}, 2, "one grid");
}

TEST(ReportCommand, DrawsRunsBesideEachOther) {
  const Scratch scratch;
  for (const char* name : {"a/run", "b/run"}) {
    std::filesystem::create_directories(scratch / name);
    scratch.write(std::string(name) + "/metrics.jsonl", "{\"step\":1,\"loss\":9}\n{\"step\":2,\"loss\":8}\n");
  }
  const std::string page = (scratch / "page.html").string();
  const std::string a = (scratch / "a/run").string(), b = (scratch / "b/run").string();
  EXPECT_EQ(nestor({"report", a, "--out", page}).exit_code, 0);
  EXPECT_NE(bytes_of(page).find("<td>run</td>"), std::string::npos);
  EXPECT_EQ(nestor({"report", a, b, "--out", page}).exit_code, 0);
  EXPECT_NE(bytes_of(page).find("<td>" + a + "</td>"), std::string::npos);
  expect_error({"report", (scratch / "gone").string()}, 1, "gone");
  expect_error({"report"}, 2, "RUN");
}

}  // namespace
}  // namespace nestor::testing
