#include "train/loop/run_page.h"

#include <filesystem>

#include "base/file.h"
#include "report/html.h"
#include "report/runs.h"

namespace nestor::train {

// Of a long run it costs more; it may take a hundredth of the time.
void RunPage::refresh() {
  constexpr std::chrono::seconds kLeast{10};
  if (last_ && Clock::now() - *last_ < std::max<Clock::duration>(kLeast, 100 * cost_)) return;
  write();
}

void RunPage::write() {
  const Clock::time_point start = Clock::now();
  std::error_code problem;
  if (std::filesystem::file_size(folder_.metrics(), problem) == 0 || problem) return;
  report::RunLines run = report::read_run(folder_.metrics());
  run.name = std::filesystem::absolute(folder_.path()).lexically_normal().filename().string();
  write_file(folder_.page(), report::to_html(report::runs_report({&run, 1})));
  last_ = Clock::now();
  cost_ = *last_ - start;
}

}  // namespace nestor::train
