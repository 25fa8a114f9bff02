// What the optimizer trains and the snapshot keeps besides the tables: named tensors and what each of them
// is.
#pragma once

#include <string>
#include <vector>

#include "config/tensor_list.h"
#include "train/torch.h"

namespace nestor::train {

/// What a parameter is, as far as the optimizer cares.
enum class Role {
  matrix,            // [out, in] between hidden vectors: attention, dense MLPs, eh_proj
  expert_stack,      // [experts, out, in]: one matrix for each expert
  ngram_projection,  // [D, D]: the projections of all n-gram tables side by side
  head,              // lm_head [V, H]
  router,            // classifier [experts + identity, H]
  vector,            // norms and biases [d]
};

/// A leaf of the graph with gradient. Experts and projections of n-gram tables are stacks, whose slots have
/// no index and whose pieces a checkpoint holds one by one.
struct Parameter {
  std::string name;
  torch::Tensor tensor;
  Role role{};
  config::Slot slot{};
};

/// State without gradient that a snapshot keeps: the selection biases of the routers.
struct Buffer {
  std::string name;
  torch::Tensor tensor;
  config::Slot slot{};
};

}  // namespace nestor::train
