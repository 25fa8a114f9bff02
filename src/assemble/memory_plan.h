// What a model takes in memory, known before anything of size is allocated, and whether this machine has it.
#pragma once

#include <cstdint>
#include <string>

#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "config/model_config.h"
#include "model/model.h"

namespace nestor::assemble {

/// Bytes by what they are for.
struct MemoryPlan {
  std::uint64_t weights = 0;          // matrices and vectors as stored: mapped, shared between processes
  std::uint64_t weights_q8 = 0;       // the same with every matrix in q8 or q4, about
  std::uint64_t weights_q4 = 0;       //
  std::uint64_t word_rows = 0;        // tables: stay on disk, rows in use stay in the page cache
  std::uint64_t ngram_rows = 0;       //
  std::uint64_t draft = 0;            // stored for drafting, not read
  std::uint64_t working = 0;          // of a forward pass of `working_rows`, about
  std::uint64_t cache_per_token = 0;  // of the latent cache
  SystemMemory system;

  static constexpr std::int64_t working_rows = 512;

  /// What is left for the latent cache beside working memory and weights; beside working memory alone if
  /// there is no room for the weights anyway.
  std::uint64_t cache_room() const;
  /// Tokens that it holds.
  std::int64_t most_tokens() const;
};

/// Of a checkpoint with this configuration.
MemoryPlan plan_memory(const config::ModelConfig& config, const checkpoint::Checkpoint& files,
                       model::CacheFormat cache_format, const SystemMemory& system);

/// Whether weights beyond the memory of the machine, which every token then reads from disk, are an error.
enum class Oversize { refused, accepted };

/// Error(limit) with what would fit, if the weights are larger than the machine's memory, or if a sequence of
/// `asked_context` tokens (0: nobody asked) does not fit what is available.
void check_memory(const MemoryPlan& plan, std::int64_t asked_context, Oversize oversize);

/// The plan as lines of text, the last without its end.
std::string memory_table(const MemoryPlan& plan);

}  // namespace nestor::assemble
