// Which part of which parameter a tensor of a checkpoint is: experts are trained in stacks and projections of
// n-gram tables side by side, checkpoints hold them one by one. The only file that knows both sides.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "config/tensor_list.h"
#include "train/modules/causal_lm.h"

namespace nestor::train {

/// The tensors of a checkpoint that are no tables, by name, with experts both separate and fused. Views: to
/// write into one changes the model.
std::map<std::string, torch::Tensor, std::less<>> checkpoint_pieces(const CausalLm& model);

/// The place among model.tables() of a tensor of a checkpoint, or -1. The draft block's own word table is not
/// one: it is a copy of the first.
std::int64_t table_place(const CausalLm& model, std::string_view name);

inline constexpr std::string_view kDraftWordTable = "model.mtp.embed_tokens.weight";

}  // namespace nestor::train
