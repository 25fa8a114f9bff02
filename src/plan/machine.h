// What a prediction of speed has to know of a machine, and the measurement of this one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "base/memory.h"
#include "kernels/op_args.h"
#include "measure/products.h"

namespace nestor::plan {

/// Rates per second of all threads together. Functions and numbers, so that a test can make up a machine.
struct Machine {
  SystemMemory memory;
  int threads = 1;
  std::function<double(const measure::ProductCase&)> product_rate;  // multiply-adds with stored matrices
  double fp32_rate = 0;                                             // multiply-adds from registers
  double memory_read = 0;                                           // bytes that no cache holds
  std::optional<double> disk_reads = {};  // random reads of 4 KiB, 16 in flight; nothing: not measured
};

/// Measures this machine with a kernel set. Takes about a second, and each rate of products some 0.1 s when
/// it is first asked for. `disk_file`, if not empty, is a file where tables would lie: at least some
/// megabytes.
Machine measure_machine(const kernels::OpTable& ops, int threads, const std::filesystem::path& disk_file);

}  // namespace nestor::plan
