// The options of `nestor train`, which nestor and nestor-train read alike.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace nestor::app {

struct TrainOptions {
  std::string recipe;   // file or preset
  std::string folder;   // --out
  std::string initial;  // --init, empty without
  bool with_optimizer = false;
  bool resume = false;
  double speed = 0;                    // --speed, GFLOP/s; 0: to be measured
  std::vector<std::string> overrides;  // --set
};

void add_train_options(CLI::App& parser, TrainOptions& options);

/// The same as a command line.
std::vector<std::string> to_arguments(const TrainOptions& options);

}  // namespace nestor::app
