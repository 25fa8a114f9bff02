#include "train/loop/branch_norms.h"

#include <fmt/format.h>

namespace nestor::train {
namespace {

constexpr std::string_view kLayers = "model.layers.";

double mean_norm(const torch::Tensor& rows) { return rows.norm(2, 1).mean().item<double>(); }

}  // namespace

void BranchNorms::see(std::string_view layer, std::string_view part, const torch::Tensor& value) {
  // The norm of the embedding, where there is one, replaces it.
  if (layer == "embed" || layer == "model.embedding_norm") stream_ = value;
  if (!layer.starts_with(kLayers)) return;
  const std::string number(layer.substr(kLayers.size()));
  if (part == ".self_attn.0" || part == ".self_attn.1")
    add(fmt::format("{} attn {}", number, part.back()), value);
  if (part == ".mlps.0" || part == ".mlps.1") add(fmt::format("{} mlp {}", number, part.back()), value);
  if (part == ".mlp") experts_ = value;
  if (part.empty()) add(number + " experts", experts_);
}

void BranchNorms::add(std::string name, const torch::Tensor& branch) {
  norms_.push_back({std::move(name), mean_norm(branch), mean_norm(stream_)});
  stream_ = stream_ + branch;
}

}  // namespace nestor::train
