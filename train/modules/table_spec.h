// The tables of a model, in the order in which everything lists them: what has to exist before the first
// step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "recipe/recipe.h"

namespace nestor::train {

/// One table of rows [rows, width]: the word table, an n-gram table, or a table of a per-layer embedding.
struct TableSpec {
  /// By what a table is indexed. Tables of one kind and number share their rows within a batch.
  enum class Kind { word, ngram, layer_ngram };

  std::string name;  // of the tensor in the checkpoint
  std::int64_t rows = 0;
  std::int64_t width = 0;
  Kind kind = Kind::word;
  std::int64_t number = 0;  // of an n-gram table: which one of its hash
  double initial_std = 0;   // of the normal initial values; sqrt_d amplification is included
};

/// Word table, n-gram tables, then the tables of the layers.
std::vector<TableSpec> table_specs(const recipe::Modeling& modeling);

/// Initial values of rows [first, first + out.size() / width): a pure function of (seed, name, element).
void initial_rows(const TableSpec& table, std::uint64_t seed, std::int64_t first, std::vector<float>& out);

}  // namespace nestor::train
