#include "assemble/engine.h"

#include "base/cpu.h"
#include "base/error.h"
#include "config/parse_config.h"
#include "kernels/registry.h"

namespace nestor::assemble {
namespace {

constexpr int kMostThreads = 1024;

// Beside weights in eight or four bits, products round activations anyway.
kernels::Format cache_format(const std::string& dtype, const config::ModelConfig& config) {
  if (dtype == "auto")
    return config.quantization && config.quantization->weights != "bf16" ? kernels::Format::q8
                                                                         : kernels::Format::f32;
  if (dtype == "q8") return kernels::Format::q8;
  if (dtype == "f32") return kernels::Format::f32;
  if (dtype == "bf16") return kernels::Format::bf16;
  fail(ErrorKind::usage, "--dtype {} is not known; expected auto, f32, bf16 or q8", in_quotes(dtype));
}

}  // namespace

config::ModelConfig open_config(const std::filesystem::path& folder_or_file,
                                const config::AcceptedKeys& accepted) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(folder_or_file, error);
  return config::read_config(folder ? folder_or_file / "config.json" : folder_or_file, accepted);
}

std::unique_ptr<model::Model> open_model(const std::filesystem::path& folder, const EngineOptions& options) {
  const CpuInfo cpu = cpu_info();
  if (options.threads < 0 || options.threads > kMostThreads) {
    fail(ErrorKind::usage, "--threads {} is out of range; expected 1 to {}", options.threads, kMostThreads);
  }
  model::ModelOptions wanted;
  wanted.ops = &kernels::select_set(options.kernels, cpu);
  wanted.threads = options.threads == 0 ? cpu.cores : options.threads;
  wanted.context_limit = options.context;
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    fail(ErrorKind::not_found, "{}: expected a checkpoint folder, found {}", folder.string(),
         std::filesystem::exists(folder, error) ? "a file" : "nothing there");
  }
  auto config = open_config(folder, options.accepted_keys);
  wanted.cache_format = cache_format(options.dtype, config);
  auto files = std::make_shared<const checkpoint::Checkpoint>(folder);
  const MemoryPlan plan = plan_memory(config, *files, wanted.cache_format, system_memory());
  if (options.see_plan) options.see_plan(plan);
  check_memory(plan, options.context, options.oversize);
  wanted.cache_bytes =
      options.cache_bytes == 0 ? static_cast<std::int64_t>(plan.cache_room()) : options.cache_bytes;
  return std::make_unique<model::Model>(std::move(config), std::move(files), wanted);
}

}  // namespace nestor::assemble
