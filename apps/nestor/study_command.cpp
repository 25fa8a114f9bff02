// nestor study: the paper's comparisons, repeated at small scale.
#include "study/study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "arguments.h"
#include "assets.h"
#include "base/cpu.h"
#include "base/error.h"
#include "child_process.h"
#include "environment.h"
#include "interrupt.h"
#include "measure/ceilings.h"
#include "not_empty.h"
#include "terminal.h"
#include "trainer_program.h"

namespace nestor::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string grid, finished;
  std::string folder;
  std::string part = "1/1";
  int lanes = 0;
  bool plan = false;
};

Json read_grid(const std::string& name) {
  if (name.ends_with(".json") || fs::is_regular_file(name)) return read_json(name, study::kMostFileBytes);
  return study::preset(name);
}

struct Part {
  std::int64_t number = 1, of = 1;
};
Part parse_part(const std::string& text) {
  Part part;
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, part.number);
  if (first == std::errc() && slash != end && *slash == '/') {
    const auto [rest, second] = std::from_chars(slash + 1, end, part.of);
    const bool inside = part.number >= 1 && part.number <= part.of;
    if (second == std::errc() && rest == end && inside) return part;
  }
  fail(ErrorKind::usage, "--job {}: expected I/N with I from 1 to N, as in 2/8", in_quotes(text));
}

std::string text_of(const report::Table& table) {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> rows = {table.head};
  rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("{:<{}}", row.front(), widths.front());
    for (std::size_t i = 1; i < row.size(); ++i) text += fmt::format("  {:>{}}", row[i], widths[i]);
    text += "\n";
  }
  return text;
}

int show_plan(const Json& json) {
  const study::Grid grid = study::parse_grid(json, "the grid");
  std::size_t runs = 0;
  for (const study::Variant& variant : grid.variants) runs += variant.seeds.size();
  print(text_of(study::plan_of(grid)) +
        fmt::format("{} runs{}{}\n", runs, grid.note.empty() ? "" : "; ", grid.note));
  return 0;
}

void show_findings(const study::ReportSummary& summary, const fs::path& folder) {
  std::string text;
  for (const study::Finding& finding : summary.findings)
    text += fmt::format("{:<14}{}\n", finding.id, study::name_of(finding.verdict()));
  print(text +
        fmt::format("{} of {} runs; {}\n", summary.done, summary.jobs, (folder / "report.html").string()));
}

int write_report(const Options& o) {
  if (o.finished.empty()) fail(ErrorKind::usage, "nestor study report: which folder?");
  if (!o.folder.empty() || o.plan) fail(ErrorKind::usage, "nestor study report DIR takes no options");
  show_findings(
      study::write_study_report(o.finished, NESTOR_VERSION, [](const std::string& text) { note(text); }),
      o.finished);
  return 0;
}

int run(const Options& o, const Json& grid) {
  if (o.folder.empty()) fail(ErrorKind::usage, "--out is required: the folder of the study");
  const Part part = parse_part(o.part);
  const fs::path trainer = trainer_program(), own = fs::read_symlink("/proc/self/exe");
  const CpuInfo cpu = cpu_info();
  wait_by_sleeping();  // of the programs that are started: each has one thread
  study::StudyRequest request;
  request.grid = grid;
  request.folder = o.folder;
  request.books = assets_folder() / "text" / "books.jsonl.xz";
  request.program = NESTOR_VERSION;
  request.machine = fmt::format("{}, {} processors", cpu.name, cpu.cores);
  request.part = part.number;
  request.parts = part.of;
  request.lanes = o.lanes > 0 ? o.lanes : cpu.cores;
  kernels::Team team(1);
  request.gflops = measure::fp32_peak(team) / 1e9;
  request.start = [&](const study::ProcessCommand& command) {
    return std::make_unique<ChildProcess>(command.program == study::Program::trainer ? trainer : own,
                                          command);
  };
  request.note = [](const std::string& text) { note(text); };
  const InterruptScope interrupt;
  {
    TerminalProgress progress("", 1);
    study::run_study(request, progress, interrupt.stop());
  }
  show_findings(study::write_study_report(o.folder, NESTOR_VERSION, request.note), o.folder);
  return 0;
}

int execute(const Options& o) {
  if (o.grid == "report") return write_report(o);
  if (!o.finished.empty())
    fail(ErrorKind::usage, "nestor study takes one grid, found {} too", in_quotes(o.finished));
  const Json grid = read_grid(o.grid);
  return o.plan ? show_plan(grid) : run(o, grid);
}

}  // namespace

Command study_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      root.add_subcommand("study", "Repeat the paper's comparisons, with error bars and a report");
  app->add_option("GRID", o->grid,
                  fmt::format("{}, a JSON file, or report to write that of a folder again",
                              fmt::join(study::preset_names(), ", ")))
      ->required();
  app->add_option("DIR", o->finished, "With report: the folder of a study");
  app->add_option("--out", o->folder, "The folder of the study; what is finished there is kept")
      ->check(not_empty())
      ->option_text("DIR");
  app->add_option("--job", o->part, "Part I of N of all runs; start N such processes (default 1/1)")
      ->option_text("I/N");
  app->add_option("--lanes", o->lanes,
                  "Runs at the same time, each with one thread (default: one for each processor)")
      ->check(CLI::Range(1, 1024))
      ->option_text("N");
  app->add_flag("--plan", o->plan, "Print the runs with their parameters and tokens, and start nothing");
  app->footer(
      "Examples:\n  nestor study smoke --out my-study\n  nestor study cpu --plan\n"
      "  nestor study report my-study");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
