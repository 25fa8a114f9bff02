// The tables of a model, in the order in which everything lists them: what has to exist before the first
// step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/tensor_list.h"
#include "recipe/recipe.h"

namespace nestor::train {

/// One table of rows [rows, width]: the word table, an n-gram table, or a table of a per-layer embedding.
struct TableSpec {
  config::Slot slot;
  std::string name;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  /// What the table holds relative to what the recipe's numbers are about.
  double amplification = 1;
  double initial_std = 0;  // of the normal initial values, amplification included
};

/// In the order of the list of tensors: those of the model's input, then of each layer that has an embedding
/// of its own; the word table, then n-gram tables.
std::vector<TableSpec> table_specs(const recipe::Modeling& modeling);

/// Initial values of rows [first, first + out.size() / width): a pure function of (seed, name, element).
void initial_rows(const TableSpec& table, std::uint64_t seed, std::int64_t first, std::vector<float>& out);

}  // namespace nestor::train
