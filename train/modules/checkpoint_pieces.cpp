#include "train/modules/checkpoint_pieces.h"

#include <fmt/format.h>

namespace nestor::train {
namespace {

using Pieces = std::map<std::string, torch::Tensor, std::less<>>;

std::string without(const std::string& name, std::string_view suffix) {
  return name.substr(0, name.size() - suffix.size());
}

// [D, D] -> the columns of each table.
void split_projections(const Parameter& p, std::int64_t tables, Pieces& out) {
  const std::string stem = without(p.name, ".weight");
  const std::int64_t width = p.tensor.size(1) / tables;
  for (std::int64_t i = 0; i < tables; ++i) {
    out[fmt::format("{}.{}.weight", stem, i)] = p.tensor.detach().narrow(1, i * width, width);
  }
}

void split_experts(const Parameter& p, Pieces& out) {
  const bool down = p.name.ends_with(".down_proj");
  const std::string stem = without(p.name, down ? ".down_proj" : ".gate_up_proj");
  for (std::int64_t e = 0; e < p.tensor.size(0); ++e) {
    const torch::Tensor one = p.tensor.detach().select(0, e);
    const auto name = [&](const char* part) { return fmt::format("{}.{}.{}_proj.weight", stem, e, part); };
    if (down) {
      out[name("down")] = one;
      continue;
    }
    const std::int64_t inner = one.size(0) / 2;
    out[name("gate")] = one.narrow(0, 0, inner);
    out[name("up")] = one.narrow(0, inner, inner);
  }
}

}  // namespace

Pieces checkpoint_pieces(const CausalLm& model) {
  const config::ModelConfig& c = model.config();
  Pieces pieces;
  for (const Parameter& p : model.parameters()) {
    if (p.role == Role::ngram_projection) {
      const bool of_model = p.name.starts_with("model.ngram_embeddings.");
      split_projections(p, of_model ? c.ngram->tables() : c.per_layer->ngram->tables(), pieces);
      continue;
    }
    if (p.role == Role::expert_stack) split_experts(p, pieces);
    pieces[p.name] = p.tensor.detach();
  }
  for (const Buffer& b : model.buffers()) pieces[b.name] = b.tensor;
  return pieces;
}

std::int64_t table_place(const CausalLm& model, std::string_view name) {
  const auto& tables = model.tables();
  for (std::size_t t = 0; t < tables.size(); ++t) {
    if (tables[t].name == name) return static_cast<std::int64_t>(t);
  }
  return -1;
}

}  // namespace nestor::train
