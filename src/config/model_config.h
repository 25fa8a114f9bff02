// The model: the validated facts of a config.json of the LongCat-Flash family.
// Names are the file's own keys. A value that exists here has been checked: sizes are positive and small
// enough that the element counts of single tensors and of the whole model fit 64 bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/token_id.h"

namespace nestor::config {

/// N-gram Embedding: K tables for each order 2..N (docs/model.md).
struct NgramSpec {
  std::int64_t order = 0;   // emb_neighbor_num: N, the longest n-gram
  std::int64_t splits = 0;  // emb_split_num: K, tables per order
  double ratio = 0;         // ngram_vocab_size_ratio: table size over vocabulary size, whole or not
  std::int64_t vocab_size = 0;

  bool operator==(const NgramSpec&) const = default;

  std::int64_t tables() const { return splits * (order - 1); }
  /// n of table i: the order is the outer loop, the split the inner one.
  std::int64_t order_of(std::int64_t table) const { return 2 + table / splits; }
  /// Rows of table i, which is also its modulus: int(ratio * V + 2 i + 1).
  std::int64_t rows(std::int64_t table) const {
    return static_cast<std::int64_t>(ratio * static_cast<double>(vocab_size) +
                                     static_cast<double>(2 * table) + 1.0);
  }
};

/// YaRN as the file gives it. Absent keys stay absent: their absence means something.
struct YarnSpec {
  double factor = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  std::optional<double> mscale;
  std::optional<double> mscale_all_dim;
  std::optional<double> attention_factor;
  std::int64_t original_max_position_embeddings = 0;
};

/// The eight-bit layout of weights: e4m3 with one scale per 128 x 128 block.
struct Fp8Spec {
  std::vector<std::string> ignored_layers;
};

/// How `nestor convert` quantized a checkpoint (our own "quantization_config"). Loading follows the tensors,
/// whose names say their format; this says that they are meant to be so, and how they came about.
struct QuantizationSpec {
  std::string weights;            // "bf16", "q8" or "q4"
  std::string tables;             // "bf16", "q8", "q6", "q5", "q4", "q3" or "q2"
  std::vector<std::string> keep;  // "PATTERN=FORMAT": exceptions, the first that fits counts
};

/// What happens to the embedding before the first layer (study: Embedding Amplification). A factor such as
/// sqrt(D) needs no key: it is folded into the tables.
enum class EmbeddingNorm {
  none,
  layer_norm,  // our own key "embedding_amplification": "layer_norm"; weight and bias, epsilon rms_norm_eps
};

/// An embedding of its own in one dense MLP of every shortcut layer: it takes the place of the
/// up-projection, down(silu(gate(x)) * e) (Eq. 4 and 5 of the paper). Our own key "per_layer_embedding".
struct PerLayerEmbedding {
  enum class Kind {
    word,   // PLE: e is a row of a table [V, ffn_hidden_size]
    ngram,  // PLNE: e is an N-gram Embedding (Eq. 3) of width ffn_hidden_size
  };
  Kind kind = Kind::word;
  int mlp = 1;                     // which of the two MLPs of a shortcut layer
  std::optional<NgramSpec> ngram;  // of Kind::ngram
};

struct ModelConfig {
  std::string architecture;  // as the file names it

  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 0;  // shortcut layers: two attentions, two dense MLPs and one mixture each
  std::int64_t max_position_embeddings = 0;

  std::int64_t num_attention_heads = 0;
  std::int64_t q_lora_rank = 0;
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  std::int64_t v_head_dim = 0;
  bool mla_scale_q_lora = true;
  bool mla_scale_kv_lora = true;

  std::int64_t ffn_hidden_size = 0;
  std::int64_t expert_ffn_hidden_size = 0;
  std::int64_t n_routed_experts = 0;
  std::int64_t zero_expert_num = 0;  // identity experts
  std::int64_t moe_topk = 0;
  double routed_scaling_factor = 1;

  double rms_norm_eps = 0;
  double latent_norm_eps = 1e-5;  // our own key: epsilon of q_a_layernorm and kv_a_layernorm
  double rope_theta = 0;
  std::optional<YarnSpec> yarn;

  std::optional<NgramSpec> ngram;
  EmbeddingNorm embedding_norm = EmbeddingNorm::none;
  std::optional<PerLayerEmbedding> per_layer;
  std::vector<TokenId> eos_token_ids;  // end sequences and n-gram segments

  std::int64_t num_nextn_predict_layers =
      0;                    // draft blocks that the file asks for; absent in published files
  std::string torch_dtype;  // "bfloat16", ...: what `new` writes; loading follows the tensors
  std::optional<Fp8Spec> fp8;
  std::optional<QuantizationSpec> quantization;

  std::int64_t routes() const { return n_routed_experts + zero_expert_num; }
  std::int64_t qk_head_dim() const { return qk_nope_head_dim + qk_rope_head_dim; }
  std::int64_t attentions() const { return 2 * num_layers; }
};

/// Keys that a caller accepts although nothing here knows them.
using AcceptedKeys = std::vector<std::string>;

}  // namespace nestor::config
