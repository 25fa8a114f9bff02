// A study: the runs of a grid, and what they say of the paper's findings. Its folder:
//   grid.json            what is studied
//   data/                tokenizer, packed text, cloze task
//   jobs/KEY.json        finished results, kilobytes; they may be copied together from several machines
//   work/                runs that are not finished
//   report.html, report.md, plots/, results.json
#pragma once

#include <filesystem>
#include <stop_token>

#include "base/progress.h"
#include "report/document.h"
#include "study/finding.h"
#include "study/grid.h"
#include "study/job_store.h"
#include "study/process.h"

namespace nestor::study {

struct StudyRequest {
  Json grid;
  std::filesystem::path folder;
  std::filesystem::path books;  // the text of grids that name none
  std::string program;          // version of what trains
  std::string machine;          // for people
  double gflops = 0;            // of matrix products on it; 0: every run measures
  std::int64_t part = 1, parts = 1;
  int lanes = 1;
  StartProcess start;
  Note note;
};

/// Runs what is missing of the grid's part, then writes the report. The same call goes on after a stop,
/// however hard. Error: usage if the folder is no study and not empty, or another process works on this part;
/// cancelled; bad_input if a job fails, after all others; io.
void run_study(const StudyRequest& request, ProgressSink& progress, const std::stop_token& stop);

struct ReportSummary {
  std::vector<Finding> findings;
  std::int64_t done = 0, jobs = 0;
};
/// Writes the report of what is finished. Error(not_found) for a folder without a grid.
ReportSummary write_study_report(const std::filesystem::path& folder, const std::string& program,
                                 const Note& note);

/// The jobs of a grid as a table for people, without starting anything: runs, parameters, share of tables,
/// tokens.
report::Table plan_of(const Grid& grid);

}  // namespace nestor::study
