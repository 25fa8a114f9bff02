// What one step is taken from: gradients of everything that learns, and the sums that reports and the
// controller of the routers need. Letters: U rows of a table.
#pragma once

#include <cstdint>
#include <vector>

#include "train/loop/mesh.h"
#include "train/modules/causal_lm.h"
#include "train/optimizer/gradient_norm.h"

namespace nestor::train {

/// Of the rows of one table that a batch touched.
struct RowGradients {
  std::vector<std::int64_t> rows;  // distinct, ascending
  torch::Tensor sums;              // [U, width], on the device of the model
};

/// The parts of Losses (modules/causal_lm.h), which add up over parts of a batch.
struct LossSums {
  double total = 0, token_nll = 0, draft_nll = 0, balance = 0;
};

/// Of the part of a batch that this process computed; after reduction of the whole batch, where each process
/// keeps those rows of the tables that it owns.
struct Gradients {
  std::vector<torch::Tensor> dense;   // of each parameter; undefined where the loss does not depend on it
  std::vector<RowGradients> tables;   // of each table
  std::vector<torch::Tensor> counts;  // of each layer [E + Z] int64: tokens that picked each expert
  LossSums losses;
  StepCounts whole;   // what the losses are means over
  GradientNorm norm;  // known after reduction
};

/// Takes the gradients that backward() has left in parameters and lookups; there are none in them afterwards.
Gradients take_gradients(const CausalLm& model, const Inputs& inputs, const Losses& losses);

/// Sends each row to its owner, process `row` mod size, which adds what it gets in the order of ranks.
void exchange_rows(Mesh& mesh, RowGradients& gradients);

}  // namespace nestor::train
