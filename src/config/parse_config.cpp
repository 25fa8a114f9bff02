#include "config/parse_config.h"

#include <array>
#include <charconv>
#include <string_view>

#include "base/error.h"
#include "config/json_fields.h"
#include "config/other_formats.h"
#include "config/parse_embedding.h"
#include "config/parse_rope.h"
#include "config/validate.h"
#include "quant/encoding.h"

namespace nestor::config {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 30;  // ids and row counts stay far inside 32 bits
constexpr std::int64_t kMostWidth = std::int64_t{1} << 20;   // any inner dimension
constexpr std::int64_t kMostLayers = 4096;
constexpr std::int64_t kMostExperts = std::int64_t{1} << 16;
constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;  // of a config.json

struct Family {
  std::string_view architecture;
  std::string_view model_type;
  EmbeddingKeys embedding;
};

constexpr std::array kFamilies = {
    Family{"LongcatFlashNgramForCausalLM",
           "longcat_flash_ngram",
           {EmbeddingKeys::Ngram::required, EmbeddingKeys::Own::refused}},
    Family{"LongcatFlashForCausalLM",
           "longcat_flash",
           {EmbeddingKeys::Ngram::refused, EmbeddingKeys::Own::refused}},
    // Models with keys of ours: a reader of the other two must not take them for its own.
    Family{"NestorForCausalLM", "nestor", {EmbeddingKeys::Ngram::optional, EmbeddingKeys::Own::accepted}},
};

std::string known_families() {
  std::string text;
  for (const Family& f : kFamilies)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", f.architecture, f.model_type);
  return text;
}

// The family by `architectures`, or by `model_type` where that key is absent; both must agree if both are
// there.
const Family& family_of(Fields& fields) {
  std::string architecture;
  if (const Json* list = fields.optional_array("architectures"); list != nullptr && !list->empty()) {
    if (list->size() != 1 || !list->front().is_string()) {
      fail(ErrorKind::bad_input, "{}: architectures must be a list of one name", fields.what());
    }
    architecture = list->front().get<std::string>();
  }
  const std::string type = fields.optional_string("model_type").value_or("");
  if (architecture.empty() && type.empty()) {
    fail(ErrorKind::bad_input,
         "{}: neither architectures nor model_type says which model this is; expected one of {}",
         fields.what(), known_families());
  }
  for (const Family& f : kFamilies) {
    const bool by_name = architecture.empty() || architecture == f.architecture;
    const bool by_type = type.empty() || type == f.model_type;
    if (by_name && by_type) return f;
  }
  fail(ErrorKind::unsupported, "{}: architecture {} with model_type {} is not supported; expected one of {}",
       fields.what(), in_quotes(architecture), in_quotes(type), known_families());
}

// transformers computes these two norms with 1e-6 whatever the file says; what its fifth version saved means
// that.
double default_latent_eps(Fields& f, const ModelConfig& c) {
  constexpr double kOfTransformers = 1e-6;
  int major = 0;
  const std::string version = f.string_if_any("transformers_version").value_or("");
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major >= 5 && c.architecture == "LongcatFlashForCausalLM" ? kOfTransformers : c.latent_norm_eps;
}

void read_shape(Fields& f, ModelConfig& c) {
  c.vocab_size = f.integer("vocab_size", 1, kMostTokens);
  c.hidden_size = f.integer("hidden_size", 1, kMostWidth);
  c.num_layers = f.integer("num_layers", 1, kMostLayers);
  c.max_position_embeddings = f.integer("max_position_embeddings", 1, kMostTokens);
  c.num_attention_heads = f.integer("num_attention_heads", 1, kMostWidth);
  c.q_lora_rank = f.integer("q_lora_rank", 1, kMostWidth);
  c.kv_lora_rank = f.integer("kv_lora_rank", 1, kMostWidth);
  c.qk_nope_head_dim = f.integer("qk_nope_head_dim", 1, kMostWidth);
  c.qk_rope_head_dim = f.integer("qk_rope_head_dim", 2, kMostWidth);
  c.v_head_dim = f.integer("v_head_dim", 1, kMostWidth);
  c.ffn_hidden_size = f.integer("ffn_hidden_size", 1, kMostWidth);
  c.expert_ffn_hidden_size = f.integer("expert_ffn_hidden_size", 1, kMostWidth);
  c.n_routed_experts = f.integer("n_routed_experts", 1, kMostExperts);
  c.zero_expert_num = f.optional_integer("zero_expert_num", 0, kMostExperts).value_or(0);
  c.moe_topk = f.integer("moe_topk", 1, 2 * kMostExperts);
  c.routed_scaling_factor = f.number("routed_scaling_factor", -1e6, 1e6);
  c.rms_norm_eps = f.number("rms_norm_eps", 0, 1);
  c.latent_norm_eps = f.optional_number("latent_norm_eps", 0, 1).value_or(default_latent_eps(f, c));
  c.mla_scale_q_lora = f.optional_boolean("mla_scale_q_lora").value_or(true);
  c.mla_scale_kv_lora = f.optional_boolean("mla_scale_kv_lora").value_or(true);
  c.num_nextn_predict_layers = f.optional_integer("num_nextn_predict_layers", 0, 1).value_or(0);
}

// Values that other keys already decide: a file may repeat them but not contradict.
void check_derived(Fields& f, const ModelConfig& c) {
  const auto expect = [&](const char* key, std::int64_t value, const char* because) {
    const auto found = f.optional_integer(key, 0, INT64_MAX);
    if (found && *found != value) {
      fail(ErrorKind::bad_input, "{}: {} is {}, expected {} ({})", f.what(), key, *found, value, because);
    }
  };
  expect("num_hidden_layers", 2 * c.num_layers, "twice num_layers: it counts attentions");
  expect("num_key_value_heads", c.num_attention_heads, "num_attention_heads: latent attention has no groups");
  expect("head_dim", c.qk_rope_head_dim, "qk_rope_head_dim");
  expect("qk_head_dim", c.qk_head_dim(), "qk_nope_head_dim + qk_rope_head_dim");
  expect("num_local_experts", c.n_routed_experts, "another name of n_routed_experts");
  expect("num_experts", c.n_routed_experts, "another name of n_routed_experts");
  expect("num_experts_per_tok", c.moe_topk, "another name of moe_topk");
  expect("intermediate_size", c.ffn_hidden_size, "another name of ffn_hidden_size");
  expect("moe_intermediate_size", c.expert_ffn_hidden_size, "another name of expert_ffn_hidden_size");
}

void check_fixed(Fields& f) {
  f.require_value("hidden_act", "silu", "only the gated SiLU is");
  f.require_value("norm_topk_prob", false, "expert weights are not renormalised in this family");
  f.require_value("router_bias", false, "the classifier has no bias in this family");
  f.require_value("attention_bias", false, "projections have no bias in this family");
  f.require_value("tie_word_embeddings", false, "lm_head is a tensor of its own in this family");
  f.require_value("nextn_use_scmoe", false, "the draft block is dense in this family");
  f.require_value("router_dtype", "float32", "the router computes in float32");
  f.require_value("rounter_params_dtype", "float32", "the router computes in float32");
  f.require_value("disable_quant_module", Json::array(), "no module is known by such a name");
  if (f.optional_integer("zero_expert_num", 0, kMostExperts).value_or(0) > 0) {
    f.require_value("zero_expert_type", "identity", "\"copy\" and \"drop\" occur in no published model");
  } else {
    f.ignore({"zero_expert_type"});
  }
  for (const char* key : {"oe_neighbor_num", "oe_split_num", "oe_vocab_size_ratio", "oe_ignored_token_ids"}) {
    f.require_value(key, nullptr, "the LongCat-Next and LongCat-2.0 relatives hash by other rules");
  }
  f.require_value("attention_method", "MLA", "latent attention is the only one");
  f.require_value("scoring_func", "softmax", "the router's scores are a softmax in this family");
  f.require_value("n_group", 1, "experts have no groups in this family");
  f.require_value("topk_group", 1, "experts have no groups in this family");
  f.require_value("n_shared_experts", 0, "no expert is shared in this family");
  f.require_value("first_k_dense_replace", 0, "every layer has its experts in this family");
  f.require_value("moe_layer_freq", 1, "every layer has its experts in this family");
  f.require_value("rope_interleave", true, "rotary positions turn neighbours in this family");
  f.require_value("use_sliding_window", false, "attention sees everything");
  f.require_value("is_decoder", true, "there is no encoder");
  f.require_value("is_encoder_decoder", false, "there is no encoder");
  f.require_value("add_cross_attention", false, "there is no encoder");
}

// Keys for programs, trainings and bookkeepers.
void pass_over_what_computes_nothing(Fields& f) {
  f.ignore({"transformers_version",
            "_name_or_path",
            "name_or_path",
            "_commit_hash",
            "auto_map",
            "_attn_implementation",
            "attn_implementation",
            "_experts_implementation",
            "experts_implementation",
            "tokenizer_class",
            "bos_token_id",
            "pad_token_id",
            "use_cache",
            "return_dict",
            "output_attentions",
            "output_hidden_states",
            "output_router_logits",
            "chunk_size_feed_forward",
            "id2label",
            "label2id",
            "num_labels",
            "problem_type",
            "torchscript",
            "use_bfloat16",
            "pretraining_tp",
            "ep_size"});
  f.ignore({"initializer_range", "attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop",
            "router_aux_loss_coef", "router_z_loss_coef", "router_jitter_noise", "aux_loss_alpha", "seq_aux",
            "gradient_checkpointing"});
}

void read_tokens(Fields& f, const Family& family, ModelConfig& c) {
  const auto one = [&](const char* key) { return f.optional_integer(key, 0, kMostTokens - 1); };
  if (family.embedding.ngram == EmbeddingKeys::Ngram::refused && f.is_null("eos_token_id")) {
    return;  // no segments of n-grams to end
  }
  if (!f.has("eos_token_id")) {
    f.note_missing("eos_token_id");
  } else if (f.is_array("eos_token_id")) {
    for (const std::int64_t id : f.integers("eos_token_id", 0, kMostTokens - 1)) {
      c.eos_token_ids.push_back(static_cast<TokenId>(id));
    }
    if (c.eos_token_ids.empty()) fail(ErrorKind::bad_input, "{}: eos_token_id is an empty list", f.what());
  } else {
    c.eos_token_ids = {static_cast<TokenId>(*one("eos_token_id"))};
  }
}

std::string format_name(Fields& q, const char* key, quant::Encoding::Layout layout) {
  std::string name = q.optional_string(key).value_or("");
  if (name != "bf16" && !quant::encoding_named(layout, name)) {
    std::string known = "bf16";
    for (const quant::Encoding& e : quant::encodings(layout)) known += ", " + quant::name_of(e);
    fail(ErrorKind::bad_input, "{}: {} must be one of {}, found {}", q.what(), key, known, in_quotes(name));
  }
  return name;
}

QuantizationSpec read_tiles_and_records(Fields& q, const AcceptedKeys& accepted) {
  q.ignore({"quant_method"});
  q.require_value("version", 2, "other versions of this layout are not read: convert the original again");
  QuantizationSpec spec;
  spec.weights = format_name(q, "weights", quant::Encoding::Layout::tiles);
  spec.tables = format_name(q, "tables", quant::Encoding::Layout::records);
  if (q.has("keep")) spec.keep = q.strings("keep");
  q.ignore({"scales", "calibrated"});
  q.check_unknown(accepted);
  return spec;
}

void read_quantization(Fields& f, const AcceptedKeys& accepted, ModelConfig& c) {
  const Json* object = f.optional_object("quantization_config");
  if (object == nullptr) return;
  Fields q(*object, f.what() + ": quantization_config");
  if (q.string_if_any("quant_method") == "nestor") {
    c.quantization = read_tiles_and_records(q, accepted);
    return;
  }
  q.require_value("fmt", "e4m3", "no other eight-bit float occurs in this family");
  q.require_value("activation_scheme", "dynamic", "activations are never stored");
  q.require_value("weight_block_size", Json::array({128, 128}), "scales are per 128 x 128 block");
  q.ignore({"quant_method", "modules_to_not_convert"});
  Fp8Spec spec;
  if (q.has("ignored_layers")) spec.ignored_layers = q.strings("ignored_layers");
  q.check_unknown(accepted);
  c.fp8 = std::move(spec);
}

}  // namespace

ModelConfig parse_config(const Json& json, const std::string& what, const AcceptedKeys& accepted) {
  Fields f(json, what);
  refuse_other_quantization(json, what);
  ModelConfig c;
  const Family& family = family_of(f);
  c.architecture = family.architecture;
  read_shape(f, c);
  read_tokens(f, family, c);
  read_embedding(f, family.embedding, accepted, c);
  read_rope(f, accepted, c);
  read_quantization(f, accepted, c);
  check_fixed(f);
  pass_over_what_computes_nothing(f);
  const auto torch_dtype = f.string_if_any("torch_dtype");
  const auto dtype = f.string_if_any("dtype");
  c.torch_dtype = torch_dtype.value_or(dtype.value_or(""));
  f.check_missing();
  check_derived(f, c);
  f.check_unknown(accepted);
  validate(c, what);
  return c;
}

ModelConfig read_config(const std::filesystem::path& path, const AcceptedKeys& accepted) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fail_without(path.filename().string(), path.has_parent_path() ? path.parent_path() : ".");
  }
  return parse_config(read_json(path, kMostBytes), path.string(), accepted);
}

}  // namespace nestor::config
