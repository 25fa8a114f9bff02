// The kernel sets that this machine can run, for tests that are repeated with each.
#pragma once

#include <string>
#include <vector>

#include "base/cpu.h"
#include "kernels/registry.h"

namespace nestor::testing {

inline std::vector<std::string> kernel_sets() {
  std::vector<std::string> names;
  for (const auto name : kernels::runnable_sets(cpu_info())) names.emplace_back(name);
  return names;
}

/// Those that round activations to bfloat16.
inline std::vector<std::string> rounding_sets() {
  std::vector<std::string> names;
  for (const auto name : kernels::runnable_sets(cpu_info(), kernels::Activations::bf16))
    names.emplace_back(name);
  return names;
}

}  // namespace nestor::testing
