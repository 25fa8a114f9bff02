// Folder + options -> model: what commands that compute start with.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "assemble/memory_plan.h"
#include "config/model_config.h"
#include "model/model.h"

namespace nestor::assemble {

/// What a user may choose about the engine; the defaults are for this machine.
struct EngineOptions {
  int threads = 0;           // 0: one per processor that this process may use
  std::int64_t context = 0;  // tokens per sequence; 0: what the model allows
  std::string kernels = "auto";
  std::string dtype =
      "auto";  // of the latent cache: f32, bf16, q8, or auto: q8 beside quantized weights, else f32
  std::int64_t cache_bytes = 0;  // that the latent cache may take; 0: as many as are available
  Oversize oversize = Oversize::refused;
  std::function<void(const MemoryPlan&)> see_plan;  // if any, before anything is allocated
  config::AcceptedKeys accepted_keys;
};

/// Opens a checkpoint folder. Throws Error; usage for options that make no sense, limit for what does not fit
/// this machine (memory_plan.h).
std::unique_ptr<model::Model> open_model(const std::filesystem::path& folder, const EngineOptions& options);

/// The configuration of a checkpoint folder or of a config.json.
config::ModelConfig open_config(const std::filesystem::path& folder_or_file,
                                const config::AcceptedKeys& accepted);

}  // namespace nestor::assemble
