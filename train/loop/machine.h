// The machine a run computes on: how fast its matrix products are, and what a snapshot remembers of it.
#pragma once

#include <cstdint>
#include <string>

#include "recipe/recipe.h"
#include "train/ops/ops.h"
#include "train/torch.h"

namespace nestor::train {

/// What decides the bits of a result besides recipe and data. Chosen once for a run, then taken from its
/// snapshots.
struct Arithmetic {
  ops::Products products = ops::Products::f32;
  int threads = 1;
  std::string kernels;  // of libtorch on this processor: version and instruction set
};
const char* name_of(ops::Products products);

/// The device that a recipe names. Error(unsupported) where this build of libtorch or this machine has no
/// CUDA.
torch::Device open_device(const std::string& name);

/// "2.15.0 AVX512".
std::string kernels_here();

/// Products of [rows, width] by [width, inner], which stand for those of a model.
struct ProductShape {
  std::int64_t rows = 0, width = 0, inner = 0;
};
struct Speed {
  double f32 = 0, bf16 = 0;                                        // FLOP/s
  enum class Clock { trusted, disturbed } clock = Clock::trusted;  // disturbed: other programs computed, too
  double of(ops::Products products) const { return products == ops::Products::bf16 ? bf16 : f32; }
};

/// The best of `pieces` short runs of each kind, in turns, among those that no other program disturbed; a
/// hundredth of a second for each piece.
Speed measure_speed(const ProductShape& shape, const torch::Device& device, int pieces);

/// What the recipe asks for: threads, and the numbers of products, by measurement where it leaves the choice.
Arithmetic choose_arithmetic(const recipe::Recipe& recipe, const Speed& speed);

/// Threads and determinism of libtorch in this process.
void apply_arithmetic(const Arithmetic& arithmetic);

}  // namespace nestor::train
