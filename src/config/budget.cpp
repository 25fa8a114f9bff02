#include "config/budget.h"

#include <numeric>

namespace nestor::config {

std::uint64_t Tally::of(Part part) const {
  const auto& stored = amounts_[static_cast<std::size_t>(part)];
  return std::accumulate(stored.begin(), stored.end(), std::uint64_t{0});
}

std::uint64_t Tally::of(Storage storage) const {
  std::uint64_t sum = 0;
  for (const auto& stored : amounts_) sum += stored[static_cast<std::size_t>(storage)];
  return sum;
}

std::uint64_t Tally::total() const {
  std::uint64_t sum = 0;
  for (std::size_t part = 0; part < kParts; ++part) sum += of(static_cast<Part>(part));
  return sum;
}

Tally tally(const ModelConfig& config, const NameLayout& layout,
            const std::function<std::uint64_t(const TensorInfo&)>& amount) {
  Tally sums;
  for_each_tensor(config, layout, [&](const TensorInfo& tensor) { sums.add(tensor, amount(tensor)); });
  return sums;
}

double Operations::total() const { return std::accumulate(matrices.begin(), matrices.end(), attention); }

Operations operations_of(const ModelConfig& c, const NameLayout& layout, const Pass& pass,
                         AttentionForm form) {
  const Tally numbers = tally(c, layout, [](const TensorInfo& tensor) -> std::uint64_t {
    const bool multiplies = tensor.rank >= 2 && tensor.storage != Storage::table;
    return multiplies ? static_cast<std::uint64_t>(tensor.elements()) : 0;
  });
  Operations operations;
  for (std::size_t i = 0; i < kParts; ++i) {
    operations.matrices[i] = pass.rows * static_cast<double>(numbers.of(static_cast<Part>(i)));
  }
  const auto set = [&](Part part, double rows, std::int64_t sharing) {
    operations.matrices[static_cast<std::size_t>(part)] =
        rows * static_cast<double>(numbers.of(part)) / static_cast<double>(sharing);
  };
  set(Part::experts, pass.picks, c.num_layers * c.n_routed_experts);
  set(Part::head, pass.logits, 1);
  set(Part::draft, pass.draft_rows, 1);
  const std::int64_t width = form == AttentionForm::latent ? 2 * c.kv_lora_rank + c.qk_rope_head_dim
                                                           : c.qk_head_dim() + c.v_head_dim;
  const double attentions =
      static_cast<double>(c.attentions()) + (pass.rows > 0 ? pass.draft_rows / pass.rows : 0);
  operations.attention = attentions * pass.positions * static_cast<double>(c.num_attention_heads * width);
  return operations;
}

}  // namespace nestor::config
