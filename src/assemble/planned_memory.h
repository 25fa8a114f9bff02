// The memory plan of a model that need not exist: from its configuration and what each tensor would take.
#pragma once

#include <functional>

#include "assemble/memory_plan.h"
#include "config/tensor_list.h"

namespace nestor::assemble {

/// What a tensor takes where it is stored, scales included.
using StoredBytes = std::function<std::uint64_t(const config::TensorInfo&)>;

MemoryPlan plan_memory(const config::ModelConfig& config, const config::NameLayout& layout,
                       const StoredBytes& stored, model::CacheFormat cache_format,
                       const SystemMemory& system);

}  // namespace nestor::assemble
