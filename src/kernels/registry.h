// Which sets of operations were compiled in, which of them this machine can run, and the choice among them.
#pragma once

#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "kernels/op_args.h"

namespace nestor::kernels {

/// Names of all sets compiled in, fastest first; the last is "reference".
std::vector<std::string_view> compiled_sets();

/// Names of the sets that a machine runs, fastest first.
std::vector<std::string_view> runnable_sets(const CpuInfo& cpu);

/// The set of that name, "auto" for the fastest runnable one. Error(usage) names the sets if there is none,
/// or if this machine lacks what it needs.
const OpTable& select_set(std::string_view name, const CpuInfo& cpu);

}  // namespace nestor::kernels
