// A checkpoint folder -> the weights of a model for training, for continuing and fine-tuning.
#pragma once

#include <filesystem>
#include <span>

#include "train/modules/causal_lm.h"
#include "train/tables/row_table.h"

namespace nestor::train {

/// Replaces parameters, selection biases and table rows by those of the folder: float32, bfloat16 or half,
/// experts separate or fused, either name of the word table. A draft block in the folder is left out if the
/// model has none, and one that the folder lacks keeps its values. The draft block's own word table is not
/// read: here it is embedded as the target is. Error: bad_input if config.json or a tensor is of another
/// shape, unsupported for eight-bit weights, not_found. The model is then unchanged.
void import_checkpoint(const std::filesystem::path& folder, CausalLm& model,
                       std::span<RowTable* const> tables);

}  // namespace nestor::train
