// The terminal: what people see while work goes on.
#pragma once

#include <chrono>
#include <string>

#include "base/progress.h"

namespace nestor::app {

bool is_terminal(int descriptor);

/// Progress on stderr: one line that is redrawn on a terminal, one line per interval elsewhere, with rate and
/// ETA. A total of 0 is one that is not known.
class TerminalProgress : public ProgressSink {
 public:
  /// `unit` and `scale`: values are divided by `scale` and named `unit` ("MB", 1e6).
  TerminalProgress(std::string unit, double scale);
  ~TerminalProgress() override;

  void advance(std::string_view what, std::uint64_t done, std::uint64_t total) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_;
  double scale_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

/// Writes to standard output and flushes. Error(io) if it is closed or full.
void print(std::string_view text);

/// A line on standard error.
void note(std::string_view text);

}  // namespace nestor::app
