// What the optimizer trains and the snapshot keeps besides the tables: named tensors and what each of them
// is.
#pragma once

#include <string>
#include <vector>

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
const char* name_of(Role role);

/// A leaf of the graph with gradient. The name is that of the tensor in a checkpoint, or of the stack that
/// the checkpoint stores in pieces ("model.layers.0.mlp.experts.gate_up_proj",
/// "model.ngram_embeddings.post_projs.weight").
struct Parameter {
  std::string name;
  torch::Tensor tensor;
  Role role{};
};

/// State without gradient that a snapshot keeps: the selection biases of the routers.
struct Buffer {
  std::string name;
  torch::Tensor tensor;
};

}  // namespace nestor::train
