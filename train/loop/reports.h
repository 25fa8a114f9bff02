// Adds up what steps say between two reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "train/loop/metrics.h"

namespace nestor::train {

/// What one optimizer step did.
struct StepResult {
  double loss = 0, draft_loss = 0, balance_loss = 0, gradient_norm = 0;
  double learning_rate_factor = 0;
  double expert_load = 0, identity_share = 0;  // of this batch
  std::int64_t tokens = 0;
};

class Reports {
 public:
  struct Run {
    std::int64_t steps = 0;  // of the whole run
    double flops_per_token = 0;
    double peak_flops_per_second = 0;
  };
  explicit Reports(const Run& run) : run_(run) {}

  /// Time that is not training, such as an evaluation, is left out: pause() .. resume().
  void pause();
  void resume();

  void add(std::int64_t step, const StepResult& result);
  /// Means since clear().
  StepReport report() const;
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  double seconds() const;

  Run run_;
  std::int64_t step_ = 0, count_ = 0, tokens_ = 0;
  StepResult sum_, last_;
  double spent_ = 0;  // seconds before the running stretch
  Clock::time_point start_ = Clock::now();
  double total_seconds_ = 0;  // of all steps of this process, for the time left
  std::int64_t total_steps_ = 0;
};

}  // namespace nestor::train
