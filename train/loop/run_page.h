// report.html of a run: what metrics.jsonl says, drawn. For a run that goes on it is made anew now and then.
#pragma once

#include <chrono>
#include <optional>

#include "train/loop/run_folder.h"

namespace nestor::train {

class RunPage {
 public:
  /// The folder outlives this.
  explicit RunPage(const RunFolder& folder) : folder_(folder) {}

  /// Nothing if it was written a short while ago.
  void refresh();
  /// Error(io) if it cannot be written. A run without reports has no page.
  void write();

 private:
  using Clock = std::chrono::steady_clock;
  const RunFolder& folder_;
  std::optional<Clock::time_point> last_;
  Clock::duration cost_{};  // of the last time
};

}  // namespace nestor::train
