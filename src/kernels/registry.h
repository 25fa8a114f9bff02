// Which sets of operations were compiled in, which of them this machine can run, and the choice among them.
#pragma once

#include <string_view>
#include <vector>

#include "base/cpu.h"

namespace nestor::kernels {

struct OpTable;  // kernels/op_args.h

/// What matrices in bfloat16 are multiplied with: float32 as it is, or rounded to bfloat16.
enum class Activations { exact, bf16 };

/// Names of all sets compiled in: fastest first, then "reference", then those chosen by name or by rounding.
std::vector<std::string_view> compiled_sets();

/// Of these, the ones that a machine runs and that multiply so.
std::vector<std::string_view> runnable_sets(const CpuInfo& cpu, Activations activations = Activations::exact);

/// The set of that name, "auto" for the fastest runnable one that multiplies so. A set that rounds may be
/// called by its name alone. Error(usage) names the sets if there is none, or if this machine lacks what it
/// needs, or if rounding is asked of a set that does not round.
const OpTable& select_set(std::string_view name, const CpuInfo& cpu,
                          Activations activations = Activations::exact);

/// How a set multiplies.
Activations activations_of(const OpTable& ops);

}  // namespace nestor::kernels
