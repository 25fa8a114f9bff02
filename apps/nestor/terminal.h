// The terminal: what people see while work goes on.
#pragma once

#include <chrono>
#include <string>

#include "base/progress.h"

namespace nestor::app {

bool is_terminal(int descriptor);

/// For the whole program, first of all: a standard stream that is closed gets a descriptor that takes
/// nothing, so that no file of ours gets its number and what is printed with it. Pipes that nobody reads are
/// errors of a write, not signals.
void hold_standard_streams();

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

/// Text on standard error, as it is. What cannot be written, to a full disk or a closed pipe, is dropped, and
/// the work goes on; false then.
bool say(std::string_view text) noexcept;

/// Lines on standard error, control characters escaped. Like say().
bool note(std::string_view text);

}  // namespace nestor::app
