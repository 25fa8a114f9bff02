// The optimizer of everything that is not a table: AdamW, or Muon for the matrices between hidden vectors and
// AdamW for the rest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "recipe/recipe.h"
#include "train/modules/parameter.h"
#include "train/ops/ops.h"

namespace nestor::train {

struct DenseStep {
  std::int64_t step = 1;      // counts from 1
  double factor = 1;          // of the schedule
  double gradient_scale = 1;  // what clipping multiplies the gradients with
};

/// Which parameters go where: Role::matrix and Role::expert_stack to Muon (each matrix by itself; a stack of
/// Field::gate_up holds two for each expert), if the recipe says so; else to AdamW. The head and the router
/// have learning-rate factors of their own. Weight decay is decoupled and spares vectors.
///
/// One thread calls; inside, torch's threads share the work. On the CPU no result depends on their number as
/// far as AdamW goes; the products of Muon are torch's.
class DenseOptimizer {
 public:
  /// `products` of Muon's matrices. State is allocated here, as zeros.
  DenseOptimizer(std::vector<Parameter> parameters, const recipe::DenseOptimizer& options,
                 ops::Products products = ops::Products::f32);

  /// From the gradient of each parameter, finite. A parameter without one is left alone.
  void step(const DenseStep& step, std::span<const torch::Tensor> gradients);

  /// The live tensors of the state, for snapshots: NAME.first and NAME.second, or NAME.momentum. Writing into
  /// them restores it.
  std::vector<Buffer> state() const;

 private:
  struct Slot {
    Parameter parameter;
    double learning_rate = 0;  // peak
    double weight_decay = 0;
    std::int64_t pieces = 1;  // matrices that an expert's matrix is made of
    torch::Tensor first;      // of Muon: the momentum
    torch::Tensor second;     // of AdamW
  };

  Slot slot_for(Parameter parameter) const;
  void adam(Slot& slot, const torch::Tensor& gradient, const DenseStep& step) const;
  void muon(Slot& slot, const torch::Tensor& gradient, const DenseStep& step) const;

  recipe::DenseOptimizer options_;
  ops::Products products_;
  std::vector<Slot> slots_;
};

}  // namespace nestor::train
