// Trains a model as a recipe says, from nothing, from a checkpoint or from a snapshot, or goes on with a run.
// The door to the trainer: knows no torch, so that programs need not either.
#pragma once

#include <filesystem>
#include <stop_token>

#include "corpus/documents.h"
#include "recipe/recipe.h"
#include "train/loop/run_folder.h"
#include "train/loop/run_observer.h"

namespace nestor::train {

struct TrainingRequest {
  recipe::Recipe recipe;
  std::filesystem::path folder;  // of the run
  RunFolder::Mode mode = RunFolder::Mode::fresh;
  std::filesystem::path
      initial;  // a checkpoint, a run or a snapshot of one to begin from; empty: random weights
  enum class Taken {
    weights,
    everything
  } taken = Taken::weights;  // of a snapshot: everything, its optimizer too
  /// Of matrix products in the numbers of the recipe, in FLOP/s; 0: is measured at the start.
  double known_speed = 0;
  corpus::ConversationWriter conversations;  // of texts that are packed first; empty: there may be none
};

enum class Outcome {
  finished,          // folder/final holds the checkpoint
  already_finished,  // it did before
  interrupted,       // `stop` asked; a snapshot is saved
};

/// Blocks until the run is done or `stop` asks. Error: bad_input for recipes, corpora, checkpoints and
/// snapshots that do not fit together, limit if memory does not suffice, io, usage for a known speed of
/// numbers that are to be measured, and internal where a loss or gradient is not finite; the last snapshot
/// then stays as it was. One run at a time in a process: it sets the threads of libtorch.
Outcome train(const TrainingRequest& request, RunObserver& observer, const std::stop_token& stop);

/// Writes the weights of a snapshot, or of a run's newest, as a checkpoint; `target` must not exist or be
/// empty. Error as for reading and writing them.
void export_snapshot(const std::filesystem::path& run_or_snapshot, const std::filesystem::path& target,
                     RunObserver& observer);

}  // namespace nestor::train
