#include "report/runs.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::report {
namespace {

std::vector<std::string> plots_of(const Document& document) {
  std::vector<std::string> ids;
  for (const Block& block : document.sections.at(0).blocks) {
    if (const auto* plot = std::get_if<Plot>(&block)) ids.push_back(plot->id);
  }
  return ids;
}

const Plot& plot_called(const Document& document, const std::string& id) {
  for (const Block& block : document.sections.at(0).blocks) {
    const auto* plot = std::get_if<Plot>(&block);
    if (plot != nullptr && plot->id == id) return *plot;
  }
  ADD_FAILURE() << "no plot " << id;
  static const Plot none;
  return none;
}

RunLines run_of(const std::string& name, int steps, double slope) {
  RunLines run{name, {}};
  for (int step = 1; step <= steps; ++step)
    run.lines.push_back({{"step", step}, {"loss", 9 - slope * step}, {"identity_share", 0}});
  return run;
}

TEST(Runs, ReadsLinesAndPassesOverACutOne) {
  const testing::ScratchFolder folder;
  folder.write("one/metrics.jsonl",
               "{\"step\":1,\"loss\":9}\n{\"no\":1}\n3\n{\"step\":2,\"loss\":8.5}\n{\"step\":3,\"lo");
  for (const char* name : {"one", "one/", "one/metrics.jsonl"}) {
    const RunLines run = read_run(folder.path() / name);
    EXPECT_EQ(run.lines.size(), 2U);
  }
  EXPECT_EQ(read_run(folder.path() / "one/").name, "one");
  folder.write("two/metrics.jsonl", "");
  EXPECT_REFUSED(read_run(folder.path() / "two"), ErrorKind::bad_input, "found none");
  EXPECT_REFUSED(read_run(folder.path() / "gone"), ErrorKind::not_found, "gone");
}

TEST(Runs, ShowsWhatTheLinesHave) {
  RunLines run = run_of("a", 3, 0.5);
  EXPECT_EQ(plots_of(runs_report(std::vector{run})), (std::vector<std::string>{"loss"}));
  run.lines.push_back({{"step", 3}, {"heldout_nll_per_token", 4.3}, {"heldout_bits_per_byte", 2.3}});
  run.lines[1]["expert_load"] = 4.5;
  run.lines[1]["norms"] = {{{"name", "attention 0"}, {"branch", 9.0}, {"stream", 0.5}}};
  const Document document = runs_report(std::vector{run});
  EXPECT_EQ(plots_of(document),
            (std::vector<std::string>{"loss", "heldout", "heldout-nats", "load", "norms-0"}));
  EXPECT_NE(plot_called(document, "norms-0").summary.find("18 times"), std::string::npos);
  EXPECT_EQ(plot_called(document, "loss").summary, "a: 8.500 at step 1, 7.500 at step 3.");
}

TEST(Runs, MarksWhereTwoCross) {
  RunLines slow = run_of("slow", 10, 0.1), fast = run_of("fast", 10, 0.5);
  for (Json& line : fast.lines) line["loss"] = line["loss"].get<double>() + 1;
  const Document document = runs_report(std::vector{slow, fast});
  const Plot& plot = plot_called(document, "loss");
  ASSERT_EQ(plot.marks.size(), 1U);
  EXPECT_NEAR(plot.marks[0].x, 2.5, 1e-9);
}

// However long a run, the page stays small and its last point is the last step.
TEST(Runs, LongCurvesAreMeansOfNeighbours) {
  for (const int steps : {1, 99, 100, 101, 5000}) {
    const Document document = runs_report(std::vector{run_of("a", steps, 0.001)});
    const auto& points = plot_called(document, "loss").series.at(0).points;
    EXPECT_LE(points.size(), 100U);
    EXPECT_EQ(points.back().x, steps);
    double mean = 0;
    for (const Point& p : points) mean += p.y / static_cast<double>(points.size());
    if (steps % 100 == 0) EXPECT_NEAR(mean, 9 - 0.001 * (steps + 1) / 2, 1e-9);
  }
}

TEST(Runs, TakesWhateverValuesThereAre) {
  RunLines run{"odd",
               {{{"step", 1}, {"loss", "none"}, {"norms", 5}},
                {{"step", 2}, {"loss", nullptr}, {"norms", {1}}},
                {{"step", 3}, {"loss", 2}, {"norms", {{{"name", 3}, {"branch", 1}, {"stream", 1}}}}}}};
  EXPECT_EQ(plots_of(runs_report(std::vector{run})), (std::vector<std::string>{"loss"}));
}

}  // namespace
}  // namespace nestor::report
