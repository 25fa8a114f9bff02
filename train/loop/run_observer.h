// Who watches a run: a program that prints, a test that collects. Called by the thread that trains.
#pragma once

#include <string_view>

#include "train/loop/metrics.h"

namespace nestor::train {

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// Tables and notes for people: what will be done, before it is; warnings.
  virtual void say(std::string_view) {}
  /// After every step; cheap to ignore.
  virtual void advanced(const StepReport&) {}
  /// Every reporting.log_every steps.
  virtual void reported(const StepReport&) {}
  virtual void evaluated(const EvaluationReport&) {}
  virtual void saved(std::int64_t /*step*/) {}
};

}  // namespace nestor::train
