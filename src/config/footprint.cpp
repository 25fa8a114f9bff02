#include "config/footprint.h"

#include <algorithm>

namespace nestor::config {

Footprint footprint_of(const ModelConfig& c, const NameLayout& layout) {
  Footprint f;
  for_each_tensor(c, layout, [&](const TensorInfo& tensor) {
    f.parameters[static_cast<std::size_t>(tensor.slot.part)] += tensor.elements();
    f.largest_tensor = std::max(f.largest_tensor, tensor.elements());
    ++f.tensors;
  });
  for (const std::int64_t n : f.parameters) f.total += n;
  f.total -= f.of(Part::draft);
  f.ngram = f.of(Part::ngram_table) + f.of(Part::ngram_projection);
  f.per_layer = f.of(Part::layer_table) + f.of(Part::layer_projection);

  // The two latent norms count with their attention.
  const std::int64_t expert = 3 * c.hidden_size * c.expert_ffn_hidden_size;
  const std::int64_t always = f.of(Part::attention) + f.of(Part::dense_mlp) + f.of(Part::head) +
                              c.num_layers * c.routes() * c.hidden_size;
  const std::int64_t fewest = std::max<std::int64_t>(0, c.moe_topk - c.zero_expert_num);
  const std::int64_t most = std::min(c.moe_topk, c.n_routed_experts);
  f.activated_min = always + c.num_layers * fewest * expert;
  f.activated_max = always + c.num_layers * most * expert;
  return f;
}

std::int64_t cached_values_per_token(const ModelConfig& c) {
  return c.attentions() * (c.kv_lora_rank + c.qk_rope_head_dim);
}

}  // namespace nestor::config
