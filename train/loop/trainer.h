// Everything that learns: the dense model, its tables, their optimizers. A step is compute, reduce, apply;
// the state of all is saved and loaded together.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/loop/gradients.h"
#include "train/loop/heldout.h"
#include "train/loop/machine.h"
#include "train/loop/mesh.h"
#include "train/loop/reports.h"
#include "train/loop/run_folder.h"
#include "train/loop/snapshot.h"
#include "train/modules/causal_lm.h"
#include "train/optimizer/dense_optimizer.h"
#include "train/tables/row_table.h"

namespace nestor::train {

class Trainer {
 public:
  /// Allocates everything; tables are zero and dense parameters random. `scratch` is for mapped tables; the
  /// mesh outlives this.
  Trainer(const recipe::Recipe& recipe, const Arithmetic& arithmetic, const torch::Device& device,
          const std::filesystem::path& scratch, Mesh& mesh);

  /// The random rows that a new run starts from.
  void fill_tables();

  /// The gradients of this process's part of a batch.
  Gradients compute(const corpus::Batch& part) const;
  /// Makes them those of the whole batch.
  void reduce(Gradients& gradients) const;
  /// Why a step must not be taken: the loss or reduced gradients are not finite.
  static std::optional<std::string> objection(const Gradients& gradients);
  /// Step `number`, from 0, from reduced gradients. Error(internal), and nothing changed, on an objection.
  StepResult apply(std::int64_t number, const Gradients& gradients);

  Score score(const corpus::Batch& batch) const;
  std::vector<BranchNorm> branch_norms(const corpus::Batch& batch) const;

  void save(const RunFolder& folder, const State& state);
  /// All of a snapshot, into a trainer just made. Error as for reading, and then this is of no use any more.
  void load(const std::filesystem::path& snapshot, const State& state);
  /// The same as what a new run begins from: its steps count from 0, those of the optimizer go on.
  void load_as_beginning(const std::filesystem::path& snapshot, const State& state);
  /// Weights alone, of a snapshot of the same model, whatever its optimizer was.
  void load_weights(const std::filesystem::path& snapshot, const State& state);

  const CausalLm& model() const { return model_; }
  CausalLm& model() { return model_; }
  std::vector<RowTable*> tables() const;

 private:
  Inputs read(const corpus::Batch& batch, Purpose::Kind kind, std::int64_t draft_rows) const;
  StepResult result_of(const Gradients& gradients) const;
  void update_tables(const Gradients& gradients, const RowStep& how);
  enum class Parts { weights, all };
  std::vector<KeptTensor> kept_tensors(Parts parts) const;
  void prune_old_rows(const RunFolder& folder, std::vector<std::int64_t> kept) const;

  recipe::Recipe recipe_;
  std::filesystem::path scratch_;
  Mesh& mesh_;
  CausalLm model_;
  std::vector<std::unique_ptr<RowTable>> tables_;
  DenseOptimizer optimizer_;
  std::int64_t earlier_steps_ = 0;  // of the optimizer, in the run that this one began from
};

}  // namespace nestor::train
