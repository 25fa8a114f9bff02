// Which sets of operations were compiled in, which of them this machine can run, and the choice among them.
#pragma once

#include <string_view>
#include <vector>

#include "base/cpu.h"

namespace nestor::kernels {

struct OpTable;  // kernels/op_args.h

/// Names of all sets compiled in: fastest first, then "reference", then those chosen by name only.
std::vector<std::string_view> compiled_sets();

/// Of these, the ones that a machine runs.
std::vector<std::string_view> runnable_sets(const CpuInfo& cpu);

/// The set of that name, "auto" for the fastest runnable one. Error(usage) names the sets if there is none,
/// or if this machine lacks what it needs.
const OpTable& select_set(std::string_view name, const CpuInfo& cpu);

}  // namespace nestor::kernels
