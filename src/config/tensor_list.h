// Every tensor of a checkpoint: which slot of the model it fills, its name, its shape as a function of the
// configuration, and how it may be stored.
//
// A reader or writer of checkpoints walks this list and goes by slots; names are spelled here and nowhere
// else:
//
//   for_each_tensor(config, layout, [&](const TensorInfo& t) { fill(places.at(t.slot), files.find(t.name));
//   });
//
// A slot is the same in every layout, so it finds a parameter whatever the file calls it, and orders a
// std::map. Stacks of all experts, as some files hold them, are slots without an index.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "config/model_config.h"

namespace nestor::quant {
struct Encoding;
}

namespace nestor::config {

/// What a tensor belongs to, for reports and placement.
enum class Part {
  word_embedding,
  ngram_table,
  ngram_projection,
  embedding_norm,
  layer_table,       // word and n-gram tables of the embeddings of single layers
  layer_projection,  // of their n-gram tables
  attention,
  dense_mlp,
  experts,
  router,
  norm,
  head,
  draft
};
inline constexpr std::size_t kParts = 13;
std::string_view name_of(Part part);

/// How a tensor may be stored.
enum class Storage {
  plain,       // f32, f16 or bf16
  matrix,      // plain, or tiles (`<name>_q4`: quant/encoding.h)
  projection,  // like matrix, or e4m3 with a `<name>_scale_inv` of [ceil(rows / 128), ceil(cols / 128)]
  table,       // plain, or records (`<name>_rows_q4`)
  router,      // plain; new checkpoints write f32
};

/// The encodings (quant/encoding.h) that are allowed besides plain numbers and e4m3.
std::span<const quant::Encoding> encodings_of(Storage storage);

/// What a tensor is in its part.
enum class Field {
  // N-gram Embedding: the rows of words, and the rows of one n-gram table with their projection.
  words,
  table,
  projection,
  embedding_norm_weight,
  embedding_norm_bias,
  // Of a sublayer.
  input_norm,
  q_a,
  q_norm,
  q_b,
  kv_a,
  kv_norm,
  kv_b,
  o,
  post_attention_norm,
  // Of a dense MLP or an expert. Stacks of experts hold the rows of gate and up in one matrix.
  gate,
  up,
  down,
  gate_up,
  classifier,
  correction_bias,
  final_norm,
  head,
  // Of the draft block alone: the norms of what it is given, and the matrix that joins them.
  draft_embedding_norm,
  draft_hidden_norm,
  draft_join
};

/// The place of a tensor in the model.
struct Slot {
  static constexpr int none = -1;

  Part part{};
  Field field{};
  std::int64_t layer = none;  // the shortcut layer
  int sublayer = none;        // 0 or 1: of the attentions and dense MLPs of a layer, with their norms
  std::int64_t index = none;  // the n-gram table or the expert; none: all of them in one tensor

  auto operator<=>(const Slot&) const = default;
};

struct TensorInfo {
  std::string name;
  Slot slot;
  std::array<std::int64_t, 3> shape{};  // the first `rank` are meant
  int rank = 0;
  Storage storage{};

  std::int64_t elements() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= shape[static_cast<std::size_t>(i)];
    return n;
  }
};

/// Spellings that differ between writers of the same model.
struct NameLayout {
  enum class WordTable { embed_tokens, ngram_word_embeddings };
  enum class Experts { separate, fused };
  enum class CorrectionBias { underscore, dotted };  // e_score_correction_bias, e_score_correction.bias
  enum class Draft { absent, present };

  WordTable word_table = WordTable::embed_tokens;
  Experts experts = Experts::separate;
  CorrectionBias correction_bias = CorrectionBias::underscore;
  Draft draft = Draft::absent;
};

/// What the names of all tensors of the draft block begin with.
inline constexpr std::string_view kDraftPrefix = "model.mtp.";

/// The name of the tensor in a slot that the model has. `layout` tells between spellings.
std::string tensor_name(const ModelConfig& config, const NameLayout& layout, const Slot& slot);

/// "model.layers.N", which the names in a shortcut layer begin with.
std::string layer_name(std::int64_t layer);

/// The name of the block scales of an e4m3 matrix.
std::string scale_name(std::string_view matrix);

/// How a new checkpoint stores a tensor: routers in float32, projections in e4m3 where quantization_config
/// asks for it and does not name their layer, all else as torch_dtype says (bfloat16 where it says nothing).
/// Error(unsupported) for a torch_dtype that is no such format.
DType published_dtype(const ModelConfig& config, const TensorInfo& tensor);

/// The shape of the block scales of an e4m3 matrix: [ceil(rows / 128), ceil(cols / 128)].
std::vector<std::int64_t> scale_shape(const TensorInfo& tensor);

/// Calls visit for every tensor, in the order of the forward pass. Nothing is stored, so huge configurations
/// are fine.
void for_each_tensor(const ModelConfig& config, const NameLayout& layout,
                     const std::function<void(const TensorInfo&)>& visit);

}  // namespace nestor::config
