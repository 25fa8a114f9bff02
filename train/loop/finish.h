// Checkpoints before and after a run: weights to start from, and the finished folder.
#pragma once

#include <filesystem>

#include "recipe/recipe.h"
#include "train/loop/run_folder.h"
#include "train/loop/trainer.h"

namespace nestor::train {

/// Starts from the weights of a checkpoint of the same shape. Error as for loading, bad_input where shapes
/// differ.
void load_checkpoint(const std::filesystem::path& checkpoint, Trainer& trainer);

/// Writes folder/final, complete or not at all: the checkpoint, its tokenizer and how to generate with it.
void write_final(const recipe::Recipe& recipe, const Trainer& trainer, const RunFolder& folder);

}  // namespace nestor::train
