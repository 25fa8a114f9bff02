// What a run reports, and the files that keep it: metrics.jsonl and TensorBoard events.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/loop/event_file.h"

namespace nestor::train {

/// Means over the steps since the last report, but for the state of the schedule.
struct StepReport {
  std::int64_t step = 0, steps = 0;  // done, and to do in all
  double loss = 0;                   // nats per token
  double draft_loss = 0;             // the same of the draft block; 0 without
  double balance_loss = 0;
  double learning_rate_factor = 0;  // of the schedule
  double gradient_norm = 0;         // before clipping
  double tokens_per_second = 0;
  double flops_per_second = 0;
  double peak_flops_per_second = 0;  // measured at start
  double expert_load = 0;            // busiest expert over the mean, the worst layer
  double identity_share = 0;         // of the picks
  double seconds_left = 0;
  std::uint64_t resident_bytes = 0;  // memory of the process
};

/// Mean L2 norms over the tokens of a batch.
struct BranchNorm {
  std::string name;  // "0 attn 0": layer, and branch in it
  double branch = 0;
  double stream = 0;  // that the branch is added to
};

struct EvaluationReport {
  std::int64_t step = 0;
  std::int64_t tokens = 0;
  double nll_per_token = 0;
  double bits_per_byte = 0;  // 0 where the bytes are not known
  double draft_nll_per_token = 0;
  std::vector<BranchNorm> norms = {};
};

class Metrics {
 public:
  struct Files {
    std::filesystem::path lines, events;
  };
  /// Continues after `step`: lines of later steps are dropped.
  Metrics(const Files& files, std::int64_t step);

  void add(const StepReport& report);
  void add(const EvaluationReport& report);

 private:
  void write(const Json& line);

  std::filesystem::path path_;
  std::ofstream out_;
  EventFile events_;
};

}  // namespace nestor::train
