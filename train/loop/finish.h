// The checkpoint that a run ends with.
#pragma once

#include <filesystem>

#include "recipe/recipe.h"
#include "train/loop/run_folder.h"
#include "train/loop/trainer.h"

namespace nestor::train {

/// Where DIR/final goes when a run with more steps has ended: DIR/final-N. Error(usage) if something is
/// there.
std::filesystem::path earlier_final(const RunFolder& folder, std::int64_t steps);

/// Writes `target`, complete or not at all: the checkpoint, its tokenizer and how to generate with it.
void write_checkpoint(const recipe::Recipe& recipe, const Trainer& trainer,
                      const std::filesystem::path& target);

}  // namespace nestor::train
