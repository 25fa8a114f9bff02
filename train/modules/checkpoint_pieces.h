// Which part of which parameter a tensor of a checkpoint is: experts are trained in stacks and projections of
// n-gram tables side by side, checkpoints hold them one by one. The only file that knows both sides.
#pragma once

#include <map>
#include <span>

#include "config/tensor_list.h"
#include "train/modules/causal_lm.h"

namespace nestor::train {

/// The tensors of a checkpoint that are no tables, with experts both separate and in stacks. Views: to write
/// into one changes the model.
std::map<config::Slot, torch::Tensor> checkpoint_pieces(const CausalLm& model);

/// `tables`, which are those of model.tables(), by their slots.
template <class Table>
std::map<config::Slot, Table*> by_slot(const CausalLm& model, std::span<Table* const> tables) {
  std::map<config::Slot, Table*> found;
  for (std::size_t t = 0; t < tables.size(); ++t) found[model.tables()[t].slot] = tables[t];
  return found;
}

/// The draft block's own word table: here it is embedded as the target is.
inline constexpr config::Slot kDraftWords = {config::Part::draft, config::Field::words};

}  // namespace nestor::train
