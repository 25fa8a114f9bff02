// What a run will compute and need, known before anything is allocated.
// Letters: B rows of T positions, L shortcut layers, H hidden, A heads, K_e FFN experts of a token.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace nestor::train {

/// Floating-point operations of one training step per token: 6 for each multiply-add of the forward pass
/// (config/budget.h), which the backward pass does twice more; attention sees half a window.
double flops_per_token(const recipe::Recipe& recipe);

/// Bytes by what they are for.
struct MemoryPlan {
  std::uint64_t weights = 0;          // dense parameters
  std::uint64_t gradients = 0;        // of dense parameters
  std::uint64_t optimizer = 0;        // of dense parameters
  std::uint64_t tables = 0;           // rows and their optimizer state
  std::uint64_t resident_tables = 0;  // of these, what has to be in memory
  std::uint64_t activations = 0;      // of one batch, about

  std::uint64_t resident() const { return weights + gradients + optimizer + resident_tables + activations; }
};
MemoryPlan memory_plan(const recipe::Recipe& recipe);

/// Error(limit) if the plan needs more than `available` bytes, with what would fit.
void check_memory(const recipe::Recipe& recipe, const MemoryPlan& plan, std::uint64_t available);

/// Parameters by part: total and activated for one token, as lines of text.
std::string parameter_table(const recipe::Recipe& recipe);
std::string memory_table(const MemoryPlan& plan, std::uint64_t available);

}  // namespace nestor::train
