#include "config/validate.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace nestor::config {
namespace {

constexpr double kMostTableRows = 2147483647;  // row numbers are handled in 32 bits elsewhere
// The 560B model has 43,736 tensors; the largest of Lite has 2^31.3 elements. Together the two limits keep
// every sum over a model below 2^60, and a walk over its tensors below a second.
constexpr std::int64_t kMostTensors = 200'000;
constexpr std::int64_t kMostElements = std::int64_t{1} << 42;  // of one tensor: 8 TiB in bf16
constexpr std::int64_t kTensorsPerLayer = 26;                  // without experts
constexpr std::int64_t kTensorsPerExpert = 3;

// The number of elements of a matrix, or an error if it is absurd.
void check_elements(const std::string& what, const char* name, std::int64_t rows, std::int64_t cols) {
  if (rows > kMostElements / cols) {
    fail(ErrorKind::bad_input, "{}: {} would have {} x {} elements, more than any file holds", what, name,
         rows, cols);
  }
}

// `width` is what all tables of an n-gram embedding share; `name` is its key.
void check_ngram(const NgramSpec& n, const char* name, std::int64_t width, const std::string& what) {
  if (width % n.tables() != 0) {
    fail(ErrorKind::bad_input,
         "{}: {} {} is not a multiple of the {} tables that emb_split_num {} and emb_neighbor_num "
         "{} ask for",
         what, name, width, n.tables(), n.splits, n.order);
  }
  const double last = n.ratio * static_cast<double>(n.vocab_size) + 2.0 * static_cast<double>(n.tables());
  if (!(last < kMostTableRows)) {
    fail(ErrorKind::bad_input, "{}: ngram_vocab_size_ratio {} gives tables of more than {} rows", what,
         n.ratio, static_cast<std::int64_t>(kMostTableRows));
  }
  check_elements(what, "an n-gram table", n.rows(n.tables() - 1), width / n.tables());
}

void check_per_layer(const ModelConfig& c, const std::string& file) {
  const std::string what = file + ": per_layer_embedding";
  check_elements(what, "the word table of a layer", c.vocab_size, c.ffn_hidden_size);
  if (c.per_layer->ngram) check_ngram(*c.per_layer->ngram, "ffn_hidden_size", c.ffn_hidden_size, what);
}

void check_tokens(const ModelConfig& c, const std::string& what) {
  for (const TokenId id : c.eos_token_ids) {
    if (id >= c.vocab_size) {
      fail(ErrorKind::bad_input, "{}: eos_token_id {} is outside the vocabulary of {}", what, id,
           c.vocab_size);
    }
  }
}

void check_experts(const ModelConfig& c, const std::string& what) {
  if (c.moe_topk > c.routes()) {
    fail(ErrorKind::bad_input, "{}: moe_topk {} is more than the {} experts and {} identity experts", what,
         c.moe_topk, c.n_routed_experts, c.zero_expert_num);
  }
}

void check_tensor_count(const ModelConfig& c, const std::string& what) {
  const std::int64_t tables = c.ngram ? c.ngram->tables() : 0;
  const std::int64_t layer_tables = c.per_layer && c.per_layer->ngram ? c.per_layer->ngram->tables() : 0;
  const std::int64_t per_layer = kTensorsPerLayer + 2 * layer_tables + kTensorsPerExpert * c.n_routed_experts;
  if (c.num_layers * per_layer + 2 * tables > kMostTensors) {
    fail(ErrorKind::bad_input,
         "{}: {} layers of {} experts and {} n-gram tables, and {} n-gram tables before them, are more "
         "tensors "
         "than the {} that are accepted",
         what, c.num_layers, c.n_routed_experts, layer_tables, tables, kMostTensors);
  }
}

}  // namespace

void validate(const ModelConfig& c, const std::string& what) {
  if (c.qk_rope_head_dim % 2 != 0) {
    fail(ErrorKind::bad_input, "{}: qk_rope_head_dim {} is odd; rotary positions turn pairs of values", what,
         c.qk_rope_head_dim);
  }
  check_tokens(c, what);
  check_experts(c, what);
  check_tensor_count(c, what);
  check_elements(what, "the word table", c.vocab_size, c.hidden_size);
  check_elements(what, "q_b_proj", c.num_attention_heads * c.qk_head_dim(), c.q_lora_rank);
  check_elements(what, "kv_b_proj", c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim),
                 c.kv_lora_rank);
  check_elements(what, "o_proj", c.num_attention_heads * c.v_head_dim, c.hidden_size);
  check_elements(what, "a dense MLP matrix", c.ffn_hidden_size, c.hidden_size);
  if (c.ngram) check_ngram(*c.ngram, "hidden_size", c.hidden_size, what);
  if (c.per_layer) check_per_layer(c, what);
}

}  // namespace nestor::config
