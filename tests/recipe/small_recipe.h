// A recipe with what has no default.
#pragma once

#include "base/json.h"

namespace nestor::testing {

inline Json small_recipe() {
  return Json::parse(R"({
    "model": {"config": {
      "vocab_size": 512, "hidden_size": 48, "num_layers": 2, "max_position_embeddings": 256,
      "num_attention_heads": 2, "q_lora_rank": 24, "kv_lora_rank": 16,
      "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8,
      "ffn_hidden_size": 64, "expert_ffn_hidden_size": 16,
      "n_routed_experts": 6, "zero_expert_num": 3, "moe_topk": 3, "routed_scaling_factor": 3.0,
      "emb_neighbor_num": 3, "emb_split_num": 2, "ngram_vocab_size_ratio": 6.5}},
    "data": {"tokenizer": "/t", "train": ["/a.txt"], "window": 64, "rows": 2}
  })");
}

}  // namespace nestor::testing
