// Every tensor of a checkpoint: its name, its shape as a function of the configuration, what it belongs to
// and how it may be stored (spec section 2). The loader, the writer of new checkpoints, the reports and the
// tests walk this list.
#pragma once

#include <array>
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

struct TensorInfo {
  std::string name;
  std::array<std::int64_t, 3> shape{};  // the first `rank` are meant
  int rank = 0;
  Part part{};
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

// Names that tell layouts apart, and stems that the model's weights are built from.
inline constexpr std::string_view kEmbedTokens = "model.embed_tokens.weight";
inline constexpr std::string_view kNgramWordEmbeddings = "model.ngram_embeddings.word_embeddings.weight";
inline constexpr std::string_view kEmbeddingNormWeight = "model.embedding_norm.weight";
inline constexpr std::string_view kEmbeddingNormBias = "model.embedding_norm.bias";
inline constexpr std::string_view kDraftPrefix = "model.mtp.";
inline constexpr std::string_view kScaleSuffix = "_scale_inv";

std::string word_table_name(const NameLayout& layout);
std::string ngram_table_name(std::int64_t table);
std::string ngram_projection_name(std::int64_t table);
// The same for the embedding of one layer, PLE or PLNE.
std::string layer_word_table_name(const PerLayerEmbedding& embedding, std::int64_t layer);
std::string layer_ngram_table_name(const PerLayerEmbedding& embedding, std::int64_t layer,
                                   std::int64_t table);
std::string layer_ngram_projection_name(const PerLayerEmbedding& embedding, std::int64_t layer,
                                        std::int64_t table);

std::string correction_bias_name(const NameLayout& layout, std::int64_t layer);

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
