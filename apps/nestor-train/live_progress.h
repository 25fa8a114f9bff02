// A run as people see it: tables and notes, and one line that is redrawn on a terminal, one line per report
// elsewhere. Where nobody reads any more, nothing happens.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "train/loop/run_observer.h"

namespace nestor::app {

class LiveProgress : public train::RunObserver {
 public:
  /// `drops` is told what would be lost by ending now, whenever that changes.
  explicit LiveProgress(std::function<void(const std::string&)> drops);
  ~LiveProgress() override;

  void say(std::string_view text) override;
  void advanced(const train::StepReport& report) override;
  void reported(const train::StepReport& report) override;
  void evaluated(const train::EvaluationReport& report) override;
  void saved(std::int64_t step) override;

  /// Says what will happen now that a stop is asked for. Any thread may call.
  void stopping();

 private:
  void draw(const std::string& line);
  void print_line(const std::string& line);

  using Clock = std::chrono::steady_clock;
  std::function<void(const std::string&)> drops_;
  bool terminal_;
  std::mutex mutex_;  // of all below
  bool drawn_ = false;
  Clock::time_point last_ = Clock::now();
  Clock::time_point step_began_ = Clock::now();
  double step_seconds_ = 0;  // that the last step took
  bool is_training_ = false;
};

}  // namespace nestor::app
