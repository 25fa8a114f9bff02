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
    lookups({Part::word_embedding, Field::words}, c_.ngram, c_.hidden_size);
    if (c_.embedding_norm == EmbeddingNorm::layer_norm) {
      norm({Part::embedding_norm, Field::embedding_norm_weight}, c_.hidden_size);
      norm({Part::embedding_norm, Field::embedding_norm_bias}, c_.hidden_size);
    }
  }

  void layer(std::int64_t n) {
    for (int s = 0; s < 2; ++s) {
      norm({Part::norm, Field::input_norm, n, s}, c_.hidden_size);
      attention({Part::attention, {}, n, s});
      norm({Part::norm, Field::post_attention_norm, n, s}, c_.hidden_size);
      feed_forward({Part::dense_mlp, {}, n, s}, c_.ffn_hidden_size);
    }
    matrix({Part::router, Field::classifier, n}, c_.routes(), c_.hidden_size, Storage::router);
    emit({Part::router, Field::correction_bias, n}, {c_.routes(), 0, 0}, 1, Storage::router);
    experts(n);
  }

  void head() {
    norm({Part::norm, Field::final_norm}, c_.hidden_size);
    matrix({Part::head, Field::head}, c_.vocab_size, c_.hidden_size, Storage::matrix);
  }

  void draft() {
    const auto slot = [](Field field) { return Slot{Part::draft, field}; };
    matrix(slot(Field::words), c_.vocab_size, c_.hidden_size, Storage::table);
    norm(slot(Field::draft_embedding_norm), c_.hidden_size);
    norm(slot(Field::draft_hidden_norm), c_.hidden_size);
    matrix(slot(Field::draft_join), c_.hidden_size, 2 * c_.hidden_size, Storage::projection);
    norm(slot(Field::input_norm), c_.hidden_size);
    attention(slot({}));
    norm(slot(Field::post_attention_norm), c_.hidden_size);
    feed_forward(slot({}), c_.ffn_hidden_size);
    norm(slot(Field::final_norm), c_.hidden_size);
  }

 private:
  void emit(const Slot& slot, const std::array<std::int64_t, 3>& shape, int rank, Storage storage) {
    visit_({tensor_name(c_, layout_, slot), slot, shape, rank, storage});
  }
  void norm(const Slot& slot, std::int64_t size) { emit(slot, {size, 0, 0}, 1, Storage::plain); }
  void matrix(const Slot& slot, std::int64_t rows, std::int64_t cols, Storage storage) {
    emit(slot, {rows, cols, 0}, 2, storage);
  }

  // The tables of an embedding of this width, that of the model or of a layer.
  void lookups(const Slot& words, const std::optional<NgramSpec>& ngram, std::int64_t width) {
    matrix(words, c_.vocab_size, width, Storage::table);
    const bool of_layer = words.layer != Slot::none;
    for (std::int64_t i = 0; ngram && i < ngram->tables(); ++i) {
      const Part table = of_layer ? Part::layer_table : Part::ngram_table;
      const Part projection = of_layer ? Part::layer_projection : Part::ngram_projection;
      const std::int64_t part = width / ngram->tables();
      matrix({table, Field::table, words.layer, words.sublayer, i}, ngram->rows(i), part, Storage::table);
      matrix({projection, Field::projection, words.layer, words.sublayer, i}, width, part, Storage::matrix);
    }
  }

  void attention(Slot slot) {
    const std::int64_t heads = c_.num_attention_heads;
    const auto projection = [&](Field field, std::int64_t rows, std::int64_t cols) {
      slot.field = field;
      matrix(slot, rows, cols, Storage::projection);
    };
    const auto latent_norm = [&](Field field, std::int64_t size) {
      slot.field = field;
      norm(slot, size);
    };
    projection(Field::q_a, c_.q_lora_rank, c_.hidden_size);
    latent_norm(Field::q_norm, c_.q_lora_rank);
    projection(Field::q_b, heads * c_.qk_head_dim(), c_.q_lora_rank);
    projection(Field::kv_a, c_.kv_lora_rank + c_.qk_rope_head_dim, c_.hidden_size);
    latent_norm(Field::kv_norm, c_.kv_lora_rank);
    projection(Field::kv_b, heads * (c_.qk_nope_head_dim + c_.v_head_dim), c_.kv_lora_rank);
    projection(Field::o, c_.hidden_size, heads * c_.v_head_dim);
  }

  // In one dense MLP, an embedding of the layer may stand in the place of the up-projection.
  void feed_forward(Slot slot, std::int64_t inner) {
    const bool embedded = slot.part == Part::dense_mlp && c_.per_layer && c_.per_layer->mlp == slot.sublayer;
    slot.field = Field::gate;
    matrix(slot, inner, c_.hidden_size, Storage::projection);
    slot.field = Field::up;
    if (embedded) {
      lookups({Part::layer_table, Field::words, slot.layer, slot.sublayer}, c_.per_layer->ngram, inner);
    } else {
      matrix(slot, inner, c_.hidden_size, Storage::projection);
    }
    slot.field = Field::down;
    matrix(slot, c_.hidden_size, inner, Storage::projection);
  }

  void experts(std::int64_t n) {
    const std::int64_t inner = c_.expert_ffn_hidden_size, count = c_.n_routed_experts;
    if (layout_.experts == NameLayout::Experts::separate) {
      for (std::int64_t e = 0; e < count; ++e) feed_forward({Part::experts, {}, n, Slot::none, e}, inner);
      return;
    }
    // As transformers 5 re-saves them: gate rows first, then up rows.
    emit({Part::experts, Field::gate_up, n}, {count, 2 * inner, c_.hidden_size}, 3, Storage::plain);
    emit({Part::experts, Field::down, n}, {count, c_.hidden_size, inner}, 3, Storage::plain);
  }

  const ModelConfig& c_;
  const NameLayout& layout_;
  const std::function<void(const TensorInfo&)>& visit_;
};

// ".7", or nothing where there is no number.
std::string numbered(std::int64_t n) { return n == Slot::none ? "" : fmt::format(".{}", n); }

// {model} and {block} are those of the draft block for its tensors; {half} is ".0" or ".1", {index} ".7",
// each empty where the slot has none; {owner} is what an N-gram Embedding belongs to.
struct Spelling {
  Field field;
  std::string_view name;
};
constexpr std::array kSpellings = {
    Spelling{Field::words, "{owner}.{words}.weight"},
    Spelling{Field::table, "{owner}.ngram_embeddings.embedders{index}.weight"},
    Spelling{Field::projection, "{owner}.ngram_embeddings.post_projs{index}.weight"},
    Spelling{Field::embedding_norm_weight, "model.embedding_norm.weight"},
    Spelling{Field::embedding_norm_bias, "model.embedding_norm.bias"},
    Spelling{Field::input_norm, "{block}.input_layernorm{half}.weight"},
    Spelling{Field::q_a, "{block}.self_attn{half}.q_a_proj.weight"},
    Spelling{Field::q_norm, "{block}.self_attn{half}.q_a_layernorm.weight"},
    Spelling{Field::q_b, "{block}.self_attn{half}.q_b_proj.weight"},
    Spelling{Field::kv_a, "{block}.self_attn{half}.kv_a_proj_with_mqa.weight"},
    Spelling{Field::kv_norm, "{block}.self_attn{half}.kv_a_layernorm.weight"},
    Spelling{Field::kv_b, "{block}.self_attn{half}.kv_b_proj.weight"},
    Spelling{Field::o, "{block}.self_attn{half}.o_proj.weight"},
    Spelling{Field::post_attention_norm, "{block}.post_attention_layernorm{half}.weight"},
    Spelling{Field::gate, "{block}.{mlp}.gate_proj.weight"},
    Spelling{Field::up, "{block}.{mlp}.up_proj.weight"},
    Spelling{Field::down, "{block}.{mlp}.down_proj{of_one}"},
    Spelling{Field::gate_up, "{block}.{mlp}.gate_up_proj"},
    Spelling{Field::classifier, "{block}.mlp.router.classifier.weight"},
    Spelling{Field::correction_bias, "{block}.mlp.router.e_score_correction{bias}"},
    Spelling{Field::final_norm, "{model}.norm.weight"},
    Spelling{Field::head, "lm_head.weight"},
    Spelling{Field::draft_embedding_norm, "{block}.enorm.m.weight"},
    Spelling{Field::draft_hidden_norm, "{block}.hnorm.m.weight"},
    Spelling{Field::draft_join, "{block}.eh_proj.weight"},
};

bool words_are_inside(const ModelConfig& c, const NameLayout& layout, Part part) {
  if (part == Part::layer_table) return c.per_layer->kind == PerLayerEmbedding::Kind::ngram;
  return part == Part::word_embedding && layout.word_table == NameLayout::WordTable::ngram_word_embeddings;
}

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

std::string layer_name(std::int64_t layer) { return fmt::format("model.layers.{}", layer); }

std::string scale_name(std::string_view matrix) { return fmt::format("{}_scale_inv", matrix); }

std::string tensor_name(const ModelConfig& c, const NameLayout& layout, const Slot& s) {
  const bool draft = s.part == Part::draft, expert = s.part == Part::experts;
  const std::string model = draft ? "model.mtp" : "model", half = numbered(s.sublayer);
  const std::string block = draft ? "model.mtp.layers.0" : layer_name(s.layer);
  const std::string mlp = expert  ? "mlp.experts" + numbered(s.index)
                          : draft ? "transformer_layer.mlp"
                                  : "mlps" + half;
  const bool inside = words_are_inside(c, layout, s.part);
  const bool dotted = layout.correction_bias == NameLayout::CorrectionBias::dotted;
  const std::string_view pattern = std::ranges::find(kSpellings, s.field, &Spelling::field)->name;
  return fmt::format(fmt::runtime(pattern), fmt::arg("model", model), fmt::arg("block", block),
                     fmt::arg("half", half), fmt::arg("index", numbered(s.index)), fmt::arg("mlp", mlp),
                     fmt::arg("owner", s.layer == Slot::none ? model : block + "." + mlp),
                     fmt::arg("words", inside ? "ngram_embeddings.word_embeddings" : "embed_tokens"),
                     fmt::arg("of_one", expert && s.index == Slot::none ? "" : ".weight"),
                     fmt::arg("bias", dotted ? ".bias" : "_bias"));
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
