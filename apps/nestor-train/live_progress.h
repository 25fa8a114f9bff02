// A run as people see it: tables and notes, and one line that is redrawn on a terminal, one line per report
// elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "train/loop/run_observer.h"

namespace nestor::app {

class LiveProgress : public train::RunObserver {
 public:
  LiveProgress();
  ~LiveProgress() override;

  void say(std::string_view text) override;
  void advanced(const train::StepReport& report) override;
  void reported(const train::StepReport& report) override;
  void evaluated(const train::EvaluationReport& report) override;
  void saved(std::int64_t step) override;

 private:
  void draw(const std::string& line);
  void print_line(const std::string& line);

  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point last_ = Clock::now();
};

}  // namespace nestor::app
