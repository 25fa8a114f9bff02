#include "convert/presets.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace nestor::convert {
namespace {

// What all models of the family share.
Json family_facts() {
  return {
      {"architectures", {"LongcatFlashNgramForCausalLM"}},
      {"model_type", "longcat_flash_ngram"},
      {"attention_bias", false},
      {"attention_method", "MLA"},
      {"mla_scale_q_lora", true},
      {"mla_scale_kv_lora", true},
      {"zero_expert_type", "identity"},
      {"rms_norm_eps", 1e-5},
      {"bos_token_id", 1},
      {"eos_token_id", 2},
      {"tie_word_embeddings", false},
      {"torch_dtype", "bfloat16"},
      {"num_nextn_predict_layers", 1},
  };
}

Json yarn(std::int64_t trained) {
  return {{"rope_type", "yarn"},
          {"factor", 10.0},
          {"beta_fast", 32.0},
          {"beta_slow", 1.0},
          {"mscale", 1},
          {"mscale_all_dim", 1},
          {"original_max_position_embeddings", trained}};
}

Json tiny() {
  Json c = family_facts();
  c.update({{"vocab_size", 4096},
            {"hidden_size", 96},
            {"num_layers", 2},
            {"num_attention_heads", 4},
            {"q_lora_rank", 48},
            {"kv_lora_rank", 32},
            {"qk_nope_head_dim", 16},
            {"qk_rope_head_dim", 8},
            {"v_head_dim", 16},
            {"ffn_hidden_size", 192},
            {"expert_ffn_hidden_size", 48},
            {"n_routed_experts", 8},
            {"zero_expert_num", 4},
            {"moe_topk", 3},
            {"routed_scaling_factor", 6.0},
            {"emb_neighbor_num", 4},
            {"emb_split_num", 2},
            {"ngram_vocab_size_ratio", 6.5},
            {"rope_theta", 10000.0},
            {"max_position_embeddings", 2560},
            {"rope_scaling", yarn(256)}});
  return c;
}

Json lite() {
  Json c = family_facts();
  c.update({{"vocab_size", 131072},
            {"hidden_size", 3072},
            {"num_layers", 14},
            {"num_attention_heads", 32},
            {"q_lora_rank", 1536},
            {"kv_lora_rank", 512},
            {"qk_nope_head_dim", 128},
            {"qk_rope_head_dim", 64},
            {"v_head_dim", 128},
            {"ffn_hidden_size", 6144},
            {"expert_ffn_hidden_size", 1024},
            {"n_routed_experts", 256},
            {"zero_expert_num", 128},
            {"moe_topk", 12},
            {"routed_scaling_factor", 6.0},
            {"emb_neighbor_num", 4},
            {"emb_split_num", 4},
            {"ngram_vocab_size_ratio", 78},
            {"rope_theta", 5000000.0},
            {"max_position_embeddings", 327680},
            {"rope_scaling", yarn(32768)}});
  return c;
}

}  // namespace

std::vector<std::string> preset_names() { return {"tiny", "lite"}; }

Json preset(const std::string& name) {
  if (name == "tiny") return tiny();
  if (name == "lite") return lite();
  fail(ErrorKind::usage, "no preset is called {}; expected {} or a config.json", in_quotes(name),
       fmt::join(preset_names(), ", "));
}

}  // namespace nestor::convert
