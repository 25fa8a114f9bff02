#include "recipe/model_json.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "config/footprint.h"
#include "config/json_fields.h"
#include "config/parse_config.h"

namespace nestor::recipe {
namespace {

constexpr const char* kNgramKeys[] = {"emb_neighbor_num", "emb_split_num", "ngram_vocab_size_ratio"};

std::string architecture_of(const Json& config) {
  if (config.contains("per_layer_embedding") || config.contains("embedding_amplification")) {
    return "NestorForCausalLM";
  }
  return config.contains("emb_neighbor_num") ? "LongcatFlashNgramForCausalLM" : "LongcatFlashForCausalLM";
}

void name_architecture(Json& config) {
  const std::string name = architecture_of(config);
  config["architectures"] = {name};
  if (name == "LongcatFlashNgramForCausalLM") config["model_type"] = "longcat_flash_ngram";
  if (name == "LongcatFlashForCausalLM") config["model_type"] = "longcat_flash";
  if (name == "NestorForCausalLM") config["model_type"] = "nestor";
}

// Keys in the order in which published files have them; values of the recipe win.
Json completed(const Json& given, const Modeling& model) {
  Json config = {{"architectures", nullptr},
                 {"model_type", nullptr},
                 {"attention_bias", false},
                 {"attention_method", "MLA"},
                 {"mla_scale_q_lora", true},
                 {"mla_scale_kv_lora", true},
                 {"zero_expert_type", "identity"},
                 {"rms_norm_eps", 1e-5},
                 {"rope_theta", 10000.0},
                 {"bos_token_id", 1},
                 {"eos_token_id", 2},
                 {"tie_word_embeddings", false},
                 {"torch_dtype", "bfloat16"},
                 {"num_nextn_predict_layers", model.draft ? 1 : 0}};
  config.update(given);
  if (model.amplification == Amplification::layer_norm) config["embedding_amplification"] = "layer_norm";
  if (!given.contains("architectures") && !given.contains("model_type")) name_architecture(config);
  for (const char* key : {"architectures", "model_type"}) {
    if (config.contains(key) && config[key].is_null()) config.erase(key);
  }
  return config;
}

// Ids that parse_config passes over, because they compute nothing, but that go into the checkpoint.
void check_written_tokens(const Modeling& m, const std::string& where) {
  config::Fields fields(m.config_json, where);
  for (const char* key : {"bos_token_id", "pad_token_id"})
    fields.optional_integer(key, 0, m.config.vocab_size - 1);
}

}  // namespace

Json vanilla_twin(const Json& config_json) {
  const auto read = [](const Json& json) { return config::parse_config(json, "model.config"); };
  const std::int64_t wanted = config::footprint_of(read(config_json)).total;
  Json twin = config_json;
  for (const char* key : kNgramKeys) twin.erase(key);
  twin.erase("per_layer_embedding");
  name_architecture(twin);
  const config::ModelConfig few = read(twin);
  const std::int64_t expert = few.num_layers * (3 * few.hidden_size * few.expert_ffn_hidden_size +
                                                few.hidden_size + 1);  // with its row of the router
  const double missing = static_cast<double>(wanted - config::footprint_of(few).total);
  const auto more = static_cast<std::int64_t>(std::llround(missing / static_cast<double>(expert)));
  twin["n_routed_experts"] = std::max<std::int64_t>(1, few.n_routed_experts + more);
  return twin;
}

void complete_model(Recipe& recipe, const std::string& what) {
  Modeling& m = recipe.model;
  const std::string where = what + ": model.config";
  m.config_json = completed(m.config_json, m);
  m.config = config::parse_config(m.config_json, where);
  check_written_tokens(m, where);
  if ((m.config.embedding_norm == config::EmbeddingNorm::layer_norm) !=
      (m.amplification == Amplification::layer_norm)) {
    fail(ErrorKind::bad_input,
         "{}: embedding_amplification is layer_norm; model.amplification must then be layer_norm too", where);
  }
  if ((m.config.num_nextn_predict_layers == 1) != m.draft) {
    fail(ErrorKind::bad_input,
         "{}: num_nextn_predict_layers is {}, but model.draft is {}; give one of them only", where,
         m.config.num_nextn_predict_layers, m.draft);
  }
  if (recipe.routing.ffn_experts_wanted == 0) {
    const auto experts = static_cast<double>(m.config.n_routed_experts);
    recipe.routing.ffn_experts_wanted =
        static_cast<double>(m.config.moe_topk) * experts / static_cast<double>(m.config.routes());
  }
  if (m.vanilla) m.config = config::parse_config(trained_config_json(m), where);
}

Json trained_config_json(const Modeling& model) {
  return model.vanilla ? vanilla_twin(model.config_json) : model.config_json;
}

}  // namespace nestor::recipe
