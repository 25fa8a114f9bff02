// Everything that learns: the dense model, its tables, their optimizers. One call is one step; the state of
// all is saved and loaded together.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "train/loop/heldout.h"
#include "train/loop/machine.h"
#include "train/loop/reports.h"
#include "train/loop/run_folder.h"
#include "train/loop/snapshot.h"
#include "train/modules/causal_lm.h"
#include "train/optimizer/dense_optimizer.h"
#include "train/optimizer/gradient_norm.h"
#include "train/tables/row_table.h"

namespace nestor::train {

class Learner {
 public:
  /// Allocates everything; tables are zero and dense parameters random. `scratch` is for mapped tables.
  Learner(const recipe::Recipe& recipe, const Arithmetic& arithmetic, const torch::Device& device,
          const std::filesystem::path& scratch);

  /// The random rows that a new run starts from.
  void fill_tables();

  /// Step `number`, from 0, with its batch. Error(internal) if loss or gradients are not finite: nothing is
  /// changed then.
  StepResult step(std::int64_t number, const corpus::Batch& batch);

  Score score(const corpus::Batch& batch) const;

  void save(const RunFolder& folder, const State& state);
  void load(const RunFolder& folder, std::int64_t step);

  const CausalLm& model() const { return model_; }
  CausalLm& model() { return model_; }
  const std::vector<std::unique_ptr<RowTable>>& tables() const { return tables_; }

 private:
  Inputs read(const corpus::Batch& batch, Purpose::Kind kind, std::int64_t draft_rows) const;
  GradientNorm gradient_norm(const Inputs& inputs) const;
  void update_tables(const Inputs& inputs, const RowStep& how);
  std::vector<KeptTensor> kept_tensors() const;

  recipe::Recipe recipe_;
  CausalLm model_;
  std::vector<std::unique_ptr<RowTable>> tables_;
  std::vector<double> amplification_;  // of each table
  DenseOptimizer optimizer_;
};

}  // namespace nestor::train
