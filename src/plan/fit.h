// Whether a model fits a machine, and how fast it would be there: from its configuration alone, without
// weights.
//
// The cost of a forward pass is a sum: its products, at rates measured with the kernels and with as much
// memory as the pass reads; attention, at the peak of float32 and with the cache read from memory; and rows
// of tables that memory does not hold, at the disk's random reads. Norms, softmax and the like are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "assemble/memory_plan.h"
#include "config/model_config.h"
#include "config/tensor_list.h"
#include "convert/format_policy.h"
#include "model/model.h"
#include "plan/machine.h"

namespace nestor::plan {

struct FitRequest {
  convert::FormatRequest formats = {};
  model::CacheFormat cache = model::CacheFormat::f32;
  std::int64_t context = 4096;  // tokens that the cache is to hold
  std::int64_t depth = 0;       // tokens before the one decoded
  std::int64_t prompt = 512;    // tokens of a forward pass
};

/// A forward pass as seconds.
struct PassCost {
  std::uint64_t matrix_bytes = 0;  // of the matrices that it reads, each once
  double products_s = 0;
  double attention_s = 0;
  double rows_s = 0;  // waiting for the disk; 0 where that was not measured
  double total() const { return products_s + attention_s + rows_s; }
};

struct Fit {
  assemble::MemoryPlan memory;
  std::uint64_t context_bytes = 0;  // of the cache that was asked for
  double cached_rows = 1;           // share of the tables that memory holds beside all else
  PassCost decode;                  // of one token
  PassCost prefill;                 // of the prompt

  std::uint64_t tables() const { return memory.word_rows + memory.ngram_rows; }
  /// Weights, working memory and the asked context in what is available.
  bool fits() const;
  /// Tokens beside weights and working memory; 0 where these do not fit.
  std::int64_t context_that_fits() const;
};

/// Smaller passes are served by caches as much as by memory: predictions say little there.
inline constexpr std::uint64_t kPredictable = 50'000'000;

/// Bytes of a tensor as nestor convert would store it, scales included.
std::uint64_t stored_bytes(const config::ModelConfig& config, const convert::FormatPolicy& policy,
                           const config::TensorInfo& tensor);

/// A new checkpoint's layout: with a draft block where the configuration asks for one.
config::NameLayout planned_layout(const config::ModelConfig& config);

/// Memory alone; speeds stay zero.
Fit plan_memory_fit(const config::ModelConfig& config, const FitRequest& request, const SystemMemory& memory);

/// Memory and speed.
Fit plan_fit(const config::ModelConfig& config, const FitRequest& request, const Machine& machine);

/// The same format for weights and tables, as far as both have it, that would fit: "q8", "q4"; smallest last.
std::vector<std::string> formats_that_fit(const config::ModelConfig& config, const FitRequest& request,
                                          const SystemMemory& memory);

}  // namespace nestor::plan
