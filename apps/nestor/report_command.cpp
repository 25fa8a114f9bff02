// nestor report: the curves of training runs on one page.
#include <fmt/format.h>

#include <set>

#include "arguments.h"
#include "base/error.h"
#include "base/file.h"
#include "not_empty.h"
#include "report/html.h"
#include "report/runs.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::vector<std::string> runs;
  std::string file = "report.html";
};

// Runs of one name, such as a/run and b/run, are told apart by how they were given.
void name_apart(std::vector<report::RunLines>& runs, const std::vector<std::string>& given) {
  std::set<std::string> names;
  for (const report::RunLines& run : runs) names.insert(run.name);
  if (names.size() == runs.size()) return;
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].name = given[i];
}

int execute(const Options& o) {
  std::vector<report::RunLines> runs;
  for (const std::string& run : o.runs) runs.push_back(report::read_run(run));
  name_apart(runs, o.runs);
  write_file(o.file, report::to_html(report::runs_report(runs)));
  note(fmt::format("{}: {} run{}", o.file, runs.size(), runs.size() == 1 ? "" : "s"));
  return 0;
}

}  // namespace

Command report_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      root.add_subcommand("report", "Draw the curves of training runs, several beside each other");
  app->add_option("RUN", o->runs, "Folders of nestor train, or their metrics.jsonl")
      ->required()
      ->option_text("RUN...");
  app->add_option("--out", o->file, "The page to write (default report.html)")
      ->check(not_empty())
      ->option_text("FILE");
  app->footer("Examples:\n  nestor report run\n  nestor report first second --out both.html");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
