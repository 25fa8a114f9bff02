#include "model/weights.h"

#include <unordered_map>

#include "base/error.h"
#include "checkpoint/inventory.h"
#include "checkpoint/locate.h"
#include "quant/matrix.h"
#include "quant/record.h"

namespace nestor::model {
namespace {

using checkpoint::StoredTensor;
using kernels::MatrixView;

class Loader {
 public:
  Loader(const config::ModelConfig& config, Weights& out) : c_(config), out_(out) {
    config::for_each_tensor(config, out.layout,
                            [&](const config::TensorInfo& t) { list_.emplace(t.name, t); });
  }

  void embedding() {
    out_.embedding = embedding_of(config::word_table_name(out_.layout), c_.ngram, config::ngram_table_name,
                                  config::ngram_projection_name);
    if (c_.embedding_norm == config::EmbeddingNorm::layer_norm) {
      const float* weight = vector(std::string(config::kEmbeddingNormWeight));
      out_.embedding_norm = {weight, vector(std::string(config::kEmbeddingNormBias))};
    }
  }

  ngram::NgramEmbedding layer_embedding(std::int64_t n) {
    const config::PerLayerEmbedding& e = *c_.per_layer;
    return embedding_of(
        config::layer_word_table_name(e, n), e.ngram,
        [&](std::int64_t i) { return config::layer_ngram_table_name(e, n, i); },
        [&](std::int64_t i) { return config::layer_ngram_projection_name(e, n, i); });
  }

  layers::ShortcutWeights layer(std::int64_t n) {
    layers::ShortcutWeights w;
    w.name = fmt::format("model.layers.{}", n);
    for (std::size_t s = 0; s < 2; ++s) {
      w.halves[s].input_norm = vector(fmt::format("{}.input_layernorm.{}.weight", w.name, s));
      w.halves[s].attention = attention(fmt::format("{}.self_attn.{}", w.name, s));
      w.halves[s].post_attention_norm =
          vector(fmt::format("{}.post_attention_layernorm.{}.weight", w.name, s));
      w.halves[s].mlp = mlp(fmt::format("{}.mlps.{}", w.name, s), s);
    }
    w.router.classifier = matrix(w.name + ".mlp.router.classifier.weight");
    w.router.correction_bias = vector(config::correction_bias_name(out_.layout, n));
    w.router.top_k = c_.moe_topk;
    w.router.scaling_factor = static_cast<float>(c_.routed_scaling_factor);
    w.experts = experts(w.name + ".mlp.experts");
    return w;
  }

  void head() {
    out_.final_norm = vector("model.norm.weight");
    out_.head = matrix("lm_head.weight");
  }

 private:
  template <typename TableName, typename ProjectionName>
  ngram::NgramEmbedding embedding_of(const std::string& words, const std::optional<config::NgramSpec>& spec,
                                     const TableName& table, const ProjectionName& projection) {
    if (!spec) return ngram::NgramEmbedding(rows_of(words));
    std::vector<ngram::Table> tables;
    for (std::int64_t i = 0; i < spec->tables(); ++i)
      tables.push_back({rows_of(table(i)), matrix(projection(i))});
    return {rows_of(words), hash_of(*spec), std::move(tables)};
  }

  const StoredTensor& tensor(const std::string& name) const {
    const StoredTensor* found = out_.files->find(name);
    if (found == nullptr) fail(ErrorKind::internal, "tensor {} was not in the inventory", name);
    return *found;
  }

  const config::TensorInfo& info(const std::string& name) const {
    const auto found = list_.find(name);
    if (found == list_.end()) fail(ErrorKind::internal, "tensor {} is not in the list", name);
    return found->second;
  }

  // All but tables is read whole, over and over.
  static const std::byte* data_of(const StoredTensor& t) {
    t.mapping->advise_large_pages(t.entry->begin, t.entry->bytes);
    return t.bytes().data();
  }

  // Values widened to float32, owned by the weights.
  const float* vector(const std::string& name) {
    const StoredTensor& t = tensor(name);
    std::int64_t count = 1;
    for (const std::int64_t d : t.entry->shape) count *= d;
    const MatrixView view = quant::matrix_view(data_of(t), *quant::format_of(t.entry->dtype), 1, count);
    std::vector<float>& values = out_.vectors.emplace_back();
    for (std::int64_t i = 0; i < count; ++i) values.push_back(quant::element(view, 0, i));
    return values.data();
  }

  MatrixView matrix(const std::string& name) { return named(name, matrix_view(name)); }

  MatrixView named(const std::string& name, const MatrixView& view) {
    out_.names.emplace(view.data, name);
    return view;
  }

  MatrixView matrix_view(const std::string& name) {
    const config::TensorInfo& expected = info(name);
    const checkpoint::Located found = locate(*out_.files, name, expected.storage);
    if (found.encoding) {
      return quant::matrix_view(data_of(*found.tensor), quant::format_of(*found.encoding), expected.shape[0],
                                expected.shape[1]);
    }
    const StoredTensor& t = tensor(name);
    const bool scaled = t.entry->dtype == DType::f8_e4m3;
    const float* scales = scaled ? vector(name + std::string(config::kScaleSuffix)) : nullptr;
    return quant::matrix_view(data_of(t), *quant::format_of(t.entry->dtype), t.entry->shape[0],
                              t.entry->shape[1], scales);
  }

  // Matrix e of a fused tensor [E, rows, cols].
  MatrixView plane(const std::string& name, std::int64_t e) const {
    const StoredTensor& t = tensor(name);
    const auto format = *quant::format_of(t.entry->dtype);
    const std::int64_t rows = t.entry->shape[1];
    const std::int64_t cols = t.entry->shape[2];
    return quant::matrix_view(data_of(t) + e * rows * cols * quant::element_bytes(format), format, rows,
                              cols);
  }

  std::unique_ptr<ngram::RowStore> rows_of(const std::string& name) const {
    const config::TensorInfo& expected = info(name);
    const checkpoint::Located found = locate(*out_.files, name, expected.storage);
    const StoredTensor& t = found.encoding ? *found.tensor : tensor(name);
    const std::int64_t width = expected.shape[1];
    const auto format = found.encoding ? ngram::RowFormat(quant::RecordFormat{found.encoding->bits, width})
                                       : ngram::RowFormat(*quant::format_of(t.entry->dtype));
    return std::make_unique<ngram::FileRowStore>(*t.file, t.entry->begin, expected.shape[0], width, format);
  }

  layers::AttentionWeights attention(const std::string& p) {
    layers::AttentionWeights w{};
    w.q_a = matrix(p + ".q_a_proj.weight");
    w.q_norm = vector(p + ".q_a_layernorm.weight");
    w.q_b = matrix(p + ".q_b_proj.weight");
    w.kv_a = matrix(p + ".kv_a_proj_with_mqa.weight");
    w.kv_norm = vector(p + ".kv_a_layernorm.weight");
    w.kv_b = matrix(p + ".kv_b_proj.weight");
    w.o = matrix(p + ".o_proj.weight");
    return w;
  }

  kernels::FeedForwardWeights feed_forward(const std::string& p) {
    return {matrix(p + ".gate_proj.weight"), matrix(p + ".up_proj.weight"), matrix(p + ".down_proj.weight")};
  }

  layers::ShortcutWeights::Mlp mlp(const std::string& p, std::size_t s) {
    if (!c_.per_layer || static_cast<std::size_t>(c_.per_layer->mlp) != s) return feed_forward(p);
    return kernels::EmbeddedFeedForwardWeights{matrix(p + ".gate_proj.weight"),
                                               matrix(p + ".down_proj.weight")};
  }

  std::vector<kernels::FeedForwardWeights> experts(const std::string& p) {
    std::vector<kernels::FeedForwardWeights> all;
    const std::int64_t inner = c_.expert_ffn_hidden_size;
    for (std::int64_t e = 0; e < c_.n_routed_experts; ++e) {
      if (out_.layout.experts == config::NameLayout::Experts::separate) {
        all.push_back(feed_forward(fmt::format("{}.{}", p, e)));
      } else {
        const std::string name = fmt::format("{}.{}", p, e);
        const MatrixView gate_up = plane(p + ".gate_up_proj", e);
        all.push_back({named(name + ".gate_proj.weight", quant::row_slice(gate_up, 0, inner)),
                       named(name + ".up_proj.weight", quant::row_slice(gate_up, inner, inner)),
                       named(name + ".down_proj.weight", plane(p + ".down_proj", e))});
      }
    }
    return all;
  }

  // One hash for all embeddings that hash alike, so that their rows are computed once.
  std::shared_ptr<const hash::NgramHash> hash_of(const config::NgramSpec& spec) {
    for (const auto& [known, hash] : hashes_) {
      if (known == spec) return hash;
    }
    return hashes_.emplace_back(spec, std::make_shared<hash::NgramHash>(spec, c_.eos_token_ids)).second;
  }

  const config::ModelConfig& c_;
  Weights& out_;
  std::unordered_map<std::string, config::TensorInfo> list_;
  std::vector<std::pair<config::NgramSpec, std::shared_ptr<const hash::NgramHash>>> hashes_;
};

}  // namespace

Weights load_weights(const config::ModelConfig& config, std::shared_ptr<const checkpoint::Checkpoint> files) {
  Weights weights;
  weights.layout = checkpoint::layout_of(config, *files);
  checkpoint::check_inventory(config, weights.layout, *files, checkpoint::Encoded::accepted);
  weights.files = std::move(files);
  Loader loader(config, weights);
  loader.embedding();
  for (std::int64_t n = 0; n < config.num_layers; ++n) {
    weights.layers.push_back(loader.layer(n));
    if (config.per_layer) weights.layer_embeddings.push_back(loader.layer_embedding(n));
  }
  loader.head();
  return weights;
}

}  // namespace nestor::model
