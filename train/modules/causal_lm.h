// The whole model for training: parameters, tables' places, forward pass, losses. The tables themselves live
// outside (tables/row_table.h); a pass reads them through Inputs. Letters: n tokens of a batch, H hidden, V
// vocabulary, E FFN experts, Z identity experts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "recipe/recipe.h"
#include "train/modules/draft_block.h"
#include "train/modules/embedding.h"
#include "train/modules/head.h"
#include "train/modules/shortcut_layer.h"
#include "train/modules/table_spec.h"

namespace nestor::train {

/// One forward pass with its losses. Scalars stay on the device until somebody asks for their value. Means
/// are over the whole step (Inputs::whole), so that the losses and gradients of its parts add up; the balance
/// of experts is that of each part.
struct Losses {
  torch::Tensor total;      // with gradient: the mean of token_nll + draft, balance and z losses, weighted
  torch::Tensor token_nll;  // summed over scored tokens, no gradient from here on
  torch::Tensor draft_nll;  // summed over scored draft tokens
  torch::Tensor balance;    // summed over layers, weight included
  std::vector<torch::Tensor> counts;  // of each layer [E + Z] int64: tokens that picked each expert
};

/// For tests and evaluation.
struct Hidden {
  torch::Tensor last;          // [n, H] after the last layer
  torch::Tensor normed;        // [n, H] after the final norm
  torch::Tensor embedded;      // [n + X, H]
  std::vector<Routed> routed;  // of each layer
};

class CausalLm {
 public:
  struct Options {
    std::uint64_t seed = 1;
    torch::Device device = torch::kCPU;
    torch::ScalarType dtype = torch::kFloat32;
    ops::Products products = ops::Products::f32;
  };
  /// Initial values by `modeling` and the seed. `modeling` is resolved: vanilla twins are already made
  /// (recipe/model_json.h). Error(usage) for routing values that do not fit the model.
  CausalLm(const recipe::Modeling& modeling, const recipe::Routing& routing, const Options& options);

  const config::ModelConfig& config() const { return modeling_.config; }
  const recipe::Modeling& modeling() const { return modeling_; }
  const std::vector<TableSpec>& tables() const { return tables_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const RouterShape& router() const { return shape_.router; }

  /// Reads batches for this model. Thread-safe beside the passes.
  const InputReader& reader() const { return reader_; }
  /// Of B rows in a batch, those that train the draft: draft_fraction, at least one; none without a draft
  /// block.
  std::int64_t draft_rows(std::int64_t rows) const;

  Losses losses(const Inputs& inputs) const;
  Losses losses(const Inputs& inputs, Observer& observer) const;

  /// [n, V]; the observer sees what the inference engine shows: "embed", "model.embedding_norm",
  /// "model.layers.N...", "model.norm" and "logits".
  torch::Tensor logits(const Inputs& inputs, Observer& observer) const;
  /// [draft_rows T, V]; Error(usage) without a draft block.
  torch::Tensor draft_logits(const Inputs& inputs) const;

  /// Once per optimizer step, with the counts of all its batches added up: [E + Z] int64 of each layer.
  void update_router_biases(const std::vector<torch::Tensor>& counts);
  std::vector<Load> loads(const std::vector<torch::Tensor>& counts) const;

 private:
  Step step_of(const Inputs& inputs, Observer& observer) const;
  Hidden hidden(const Step& step, const Inputs& inputs) const;
  torch::Tensor draft_hidden(const Step& step, const Inputs& inputs, const Hidden& hidden) const;

  recipe::Modeling modeling_;
  double hidden_z_loss_;
  Options options_;
  Rotary rotary_;
  LayerShape shape_;
  std::vector<TableSpec> tables_;
  InputReader reader_;
  EmbeddingParameters embedding_;
  std::vector<ShortcutParameters> layers_;
  HeadParameters head_;
  std::optional<DraftParameters> draft_;
  std::vector<Parameter> parameters_;
  std::vector<Buffer> buffers_;
};

}  // namespace nestor::train
