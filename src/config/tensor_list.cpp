#include "config/tensor_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "quant/encoding.h"
#include "quant/format.h"

namespace nestor::config {
namespace {

// Walks the list with the configuration at hand. Letters: H hidden, F inner size of dense MLPs, V
// vocabulary, A heads.
class Walk {
 public:
  Walk(const ModelConfig& config, const NameLayout& layout,
       const std::function<void(const TensorInfo&)>& visit)
      : c_(config), layout_(layout), visit_(visit) {}

  void embedding() {
    matrix(word_table_name(layout_), c_.vocab_size, c_.hidden_size, Part::word_embedding, Storage::table);
    if (c_.ngram) {
      const std::int64_t width = c_.hidden_size / c_.ngram->tables();
      for (std::int64_t i = 0; i < c_.ngram->tables(); ++i) {
        matrix(ngram_table_name(i), c_.ngram->rows(i), width, Part::ngram_table, Storage::table);
        matrix(ngram_projection_name(i), c_.hidden_size, width, Part::ngram_projection, Storage::matrix);
      }
    }
    if (c_.embedding_norm == EmbeddingNorm::layer_norm) {
      norm(std::string(kEmbeddingNormWeight), c_.hidden_size, Part::embedding_norm);
      norm(std::string(kEmbeddingNormBias), c_.hidden_size, Part::embedding_norm);
    }
  }

  void layer(std::int64_t n) {
    const std::string p = fmt::format("model.layers.{}", n);
    for (int s = 0; s < 2; ++s) {
      norm(fmt::format("{}.input_layernorm.{}.weight", p, s), c_.hidden_size, Part::norm);
      attention(fmt::format("{}.self_attn.{}", p, s), Part::attention);
      norm(fmt::format("{}.post_attention_layernorm.{}.weight", p, s), c_.hidden_size, Part::norm);
      const std::string mlp = fmt::format("{}.mlps.{}", p, s);
      if (c_.per_layer && c_.per_layer->mlp == s) {
        embedding_feed_forward(mlp, n);
      } else {
        feed_forward(mlp, c_.ffn_hidden_size, Part::dense_mlp);
      }
    }
    matrix(p + ".mlp.router.classifier.weight", c_.routes(), c_.hidden_size, Part::router, Storage::router);
    vector(correction_bias_name(layout_, n), c_.routes(), Part::router, Storage::router);
    experts(p + ".mlp.experts");
  }

  void head() {
    norm("model.norm.weight", c_.hidden_size, Part::norm);
    matrix("lm_head.weight", c_.vocab_size, c_.hidden_size, Part::head, Storage::matrix);
  }

  void draft() {
    const std::string block = "model.mtp.layers.0";
    matrix("model.mtp.embed_tokens.weight", c_.vocab_size, c_.hidden_size, Part::draft, Storage::table);
    norm(block + ".enorm.m.weight", c_.hidden_size, Part::draft);
    norm(block + ".hnorm.m.weight", c_.hidden_size, Part::draft);
    matrix(block + ".eh_proj.weight", c_.hidden_size, 2 * c_.hidden_size, Part::draft, Storage::projection);
    norm(block + ".input_layernorm.weight", c_.hidden_size, Part::draft);
    attention(block + ".self_attn", Part::draft);
    norm(block + ".post_attention_layernorm.weight", c_.hidden_size, Part::draft);
    feed_forward(block + ".transformer_layer.mlp", c_.ffn_hidden_size, Part::draft);
    norm("model.mtp.norm.weight", c_.hidden_size, Part::draft);
  }

 private:
  void emit(const TensorInfo& info) { visit_(info); }

  void vector(const std::string& name, std::int64_t size, Part part, Storage storage) {
    emit({name, {size, 0, 0}, 1, part, storage});
  }
  void norm(const std::string& name, std::int64_t size, Part part) {
    vector(name, size, part, Storage::plain);
  }
  void matrix(const std::string& name, std::int64_t rows, std::int64_t cols, Part part, Storage storage) {
    emit({name, {rows, cols, 0}, 2, part, storage});
  }
  void projection(const std::string& stem, std::int64_t rows, std::int64_t cols, Part part) {
    matrix(stem + ".weight", rows, cols, part, Storage::projection);
  }

  void attention(const std::string& p, Part part) {
    const std::int64_t heads = c_.num_attention_heads;
    projection(p + ".q_a_proj", c_.q_lora_rank, c_.hidden_size, part);
    norm(p + ".q_a_layernorm.weight", c_.q_lora_rank, part);
    projection(p + ".q_b_proj", heads * c_.qk_head_dim(), c_.q_lora_rank, part);
    projection(p + ".kv_a_proj_with_mqa", c_.kv_lora_rank + c_.qk_rope_head_dim, c_.hidden_size, part);
    norm(p + ".kv_a_layernorm.weight", c_.kv_lora_rank, part);
    projection(p + ".kv_b_proj", heads * (c_.qk_nope_head_dim + c_.v_head_dim), c_.kv_lora_rank, part);
    projection(p + ".o_proj", c_.hidden_size, heads * c_.v_head_dim, part);
  }

  void feed_forward(const std::string& p, std::int64_t inner, Part part) {
    projection(p + ".gate_proj", inner, c_.hidden_size, part);
    projection(p + ".up_proj", inner, c_.hidden_size, part);
    projection(p + ".down_proj", c_.hidden_size, inner, part);
  }

  // A dense MLP with rows of tables in the place of its up-projection.
  void embedding_feed_forward(const std::string& p, std::int64_t layer) {
    const PerLayerEmbedding& e = *c_.per_layer;
    const std::int64_t inner = c_.ffn_hidden_size;
    projection(p + ".gate_proj", inner, c_.hidden_size, Part::dense_mlp);
    matrix(layer_word_table_name(e, layer), c_.vocab_size, inner, Part::layer_table, Storage::table);
    for (std::int64_t i = 0; e.ngram && i < e.ngram->tables(); ++i) {
      const std::int64_t width = inner / e.ngram->tables();
      matrix(layer_ngram_table_name(e, layer, i), e.ngram->rows(i), width, Part::layer_table, Storage::table);
      matrix(layer_ngram_projection_name(e, layer, i), inner, width, Part::layer_projection, Storage::matrix);
    }
    projection(p + ".down_proj", c_.hidden_size, inner, Part::dense_mlp);
  }

  void experts(const std::string& p) {
    const std::int64_t inner = c_.expert_ffn_hidden_size;
    if (layout_.experts == NameLayout::Experts::separate) {
      for (std::int64_t e = 0; e < c_.n_routed_experts; ++e) {
        feed_forward(fmt::format("{}.{}", p, e), inner, Part::experts);
      }
      return;
    }
    // As transformers 5 re-saves them (spec 2.2): gate rows first, then up rows.
    emit({p + ".gate_up_proj",
          {c_.n_routed_experts, 2 * inner, c_.hidden_size},
          3,
          Part::experts,
          Storage::plain});
    emit({p + ".down_proj", {c_.n_routed_experts, c_.hidden_size, inner}, 3, Part::experts, Storage::plain});
  }

  const ModelConfig& c_;
  const NameLayout& layout_;
  const std::function<void(const TensorInfo&)>& visit_;
};

}  // namespace

std::string_view name_of(Part part) {
  switch (part) {
    case Part::word_embedding:
      return "word embedding";
    case Part::ngram_table:
      return "n-gram tables";
    case Part::ngram_projection:
      return "n-gram projections";
    case Part::embedding_norm:
      return "embedding norm";
    case Part::layer_table:
      return "per-layer tables";
    case Part::layer_projection:
      return "per-layer projections";
    case Part::attention:
      return "attention";
    case Part::dense_mlp:
      return "dense MLPs";
    case Part::experts:
      return "experts";
    case Part::router:
      return "routers";
    case Part::norm:
      return "norms";
    case Part::head:
      return "head";
    case Part::draft:
      return "draft block (MTP)";
  }
  return "";
}

std::span<const quant::Encoding> encodings_of(Storage storage) {
  if (storage == Storage::table) return quant::encodings(quant::Encoding::Layout::records);
  if (storage == Storage::matrix || storage == Storage::projection) {
    return quant::encodings(quant::Encoding::Layout::tiles);
  }
  return {};
}

std::string word_table_name(const NameLayout& layout) {
  return std::string(layout.word_table == NameLayout::WordTable::embed_tokens ? kEmbedTokens
                                                                              : kNgramWordEmbeddings);
}

std::string ngram_table_name(std::int64_t table) {
  return fmt::format("model.ngram_embeddings.embedders.{}.weight", table);
}

std::string ngram_projection_name(std::int64_t table) {
  return fmt::format("model.ngram_embeddings.post_projs.{}.weight", table);
}

std::string layer_word_table_name(const PerLayerEmbedding& embedding, std::int64_t layer) {
  const bool words_only = embedding.kind == PerLayerEmbedding::Kind::word;
  return fmt::format("model.layers.{}.mlps.{}.{}.weight", layer, embedding.mlp,
                     words_only ? "embed_tokens" : "ngram_embeddings.word_embeddings");
}

std::string layer_ngram_table_name(const PerLayerEmbedding& embedding, std::int64_t layer,
                                   std::int64_t table) {
  return fmt::format("model.layers.{}.mlps.{}.ngram_embeddings.embedders.{}.weight", layer, embedding.mlp,
                     table);
}

std::string layer_ngram_projection_name(const PerLayerEmbedding& embedding, std::int64_t layer,
                                        std::int64_t table) {
  return fmt::format("model.layers.{}.mlps.{}.ngram_embeddings.post_projs.{}.weight", layer, embedding.mlp,
                     table);
}

std::string correction_bias_name(const NameLayout& layout, std::int64_t layer) {
  const bool dotted = layout.correction_bias == NameLayout::CorrectionBias::dotted;
  return fmt::format("model.layers.{}.mlp.router.e_score_correction{}bias", layer, dotted ? '.' : '_');
}

DType published_dtype(const ModelConfig& c, const TensorInfo& tensor) {
  if (tensor.storage == Storage::router) return DType::f32;
  if (c.fp8 && tensor.storage == Storage::projection) {
    const auto& ignored = c.fp8->ignored_layers;
    const std::string layer = tensor.name.substr(0, tensor.name.rfind(".weight"));
    if (std::find(ignored.begin(), ignored.end(), layer) == ignored.end()) return DType::f8_e4m3;
  }
  if (c.torch_dtype == "float32") return DType::f32;
  if (c.torch_dtype == "float16") return DType::f16;
  if (c.torch_dtype == "bfloat16" || c.torch_dtype.empty()) return DType::bf16;
  fail(ErrorKind::unsupported, "torch_dtype {} is not supported; expected bfloat16, float16 or float32",
       in_quotes(c.torch_dtype));
}

std::vector<std::int64_t> scale_shape(const TensorInfo& tensor) {
  const auto blocks = [](std::int64_t n) { return (n + quant::kScaleBlock - 1) / quant::kScaleBlock; };
  return {blocks(tensor.shape[0]), blocks(tensor.shape[1])};
}

void for_each_tensor(const ModelConfig& config, const NameLayout& layout,
                     const std::function<void(const TensorInfo&)>& visit) {
  Walk walk(config, layout, visit);
  walk.embedding();
  for (std::int64_t n = 0; n < config.num_layers; ++n) walk.layer(n);
  walk.head();
  if (layout.draft == NameLayout::Draft::present) walk.draft();
}

}  // namespace nestor::config
