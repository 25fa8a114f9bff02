#include "train/modules/checkpoint_pieces.h"

namespace nestor::train {
namespace {

using config::Field;
using torch::Tensor;
using Pieces = std::map<config::Slot, Tensor>;

// [D, D] -> the columns of each table.
void split_projections(config::Slot slot, const Tensor& whole, std::int64_t tables, Pieces& out) {
  const std::int64_t width = whole.size(1) / tables;
  for (slot.index = 0; slot.index < tables; ++slot.index) {
    out[slot] = whole.narrow(1, slot.index * width, width);
  }
}

void split_experts(config::Slot slot, const Tensor& stack, Pieces& out) {
  const bool down = slot.field == Field::down;
  for (slot.index = 0; slot.index < stack.size(0); ++slot.index) {
    const Tensor one = stack.select(0, slot.index);
    if (down) {
      out[slot] = one;
      continue;
    }
    const std::int64_t inner = one.size(0) / 2;
    slot.field = Field::gate;
    out[slot] = one.narrow(0, 0, inner);
    slot.field = Field::up;
    out[slot] = one.narrow(0, inner, inner);
  }
}

}  // namespace

Pieces checkpoint_pieces(const CausalLm& model) {
  const config::ModelConfig& c = model.config();
  Pieces pieces;
  for (const Parameter& p : model.parameters()) {
    const Tensor whole = p.tensor.detach();
    pieces[p.slot] = whole;
    if (p.role == Role::expert_stack) split_experts(p.slot, whole, pieces);
    if (p.role != Role::ngram_projection) continue;
    const bool of_model = p.slot.part == config::Part::ngram_projection;
    split_projections(p.slot, whole, of_model ? c.ngram->tables() : c.per_layer->ngram->tables(), pieces);
  }
  for (const Buffer& b : model.buffers()) pieces[b.slot] = b.tensor;
  return pieces;
}

}  // namespace nestor::train
