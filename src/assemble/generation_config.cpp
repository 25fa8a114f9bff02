#include "assemble/generation_config.h"

#include <algorithm>

#include "base/json.h"
#include "config/json_fields.h"

namespace nestor::assemble {
namespace {

constexpr std::uint64_t kMostConfigBytes = 1U << 20;

std::vector<TokenId> read_stop_ids(config::Fields& f, std::int64_t vocab_size) {
  std::vector<TokenId> ids;
  if (f.is_array("eos_token_id")) {
    for (const std::int64_t id : f.integers("eos_token_id", 0, vocab_size - 1))
      ids.push_back(static_cast<TokenId>(id));
  } else if (const auto id = f.optional_integer("eos_token_id", 0, vocab_size - 1)) {
    ids.push_back(static_cast<TokenId>(*id));
  }
  return ids;
}

void read_sampling(config::Fields& f, decode::SamplingParams& s) {
  const bool sample = f.optional_boolean("do_sample").value_or(false);
  const auto temperature = f.optional_number("temperature", 0, 1e3);
  const auto top_k = f.optional_integer("top_k", -1, INT32_MAX);
  const auto top_p = f.optional_number("top_p", 1e-9, 1);
  const auto min_p = f.optional_number("min_p", 0, 1);
  s.repetition_penalty = f.optional_number("repetition_penalty", 1e-6, 1e3).value_or(1.0);
  s.temperature = sample ? temperature.value_or(1.0) : 0.0;
  if (!sample) return;
  s.top_k = top_k.value_or(0);
  s.top_p = top_p.value_or(1.0);
  s.min_p = min_p.value_or(0.0);
}

void refuse_other_methods(config::Fields& f) {
  f.require_value("num_beams", 1, "there is no beam search");
  f.require_value("num_return_sequences", 1, "one answer at a time");
  f.require_value("typical_p", 1.0, "no typical sampling");
  f.require_value("no_repeat_ngram_size", 0, "no blocking of repeated n-grams");
  f.require_value("penalty_alpha", nullptr, "no contrastive search");
  f.require_value("num_beam_groups", 1, "there is no beam search");
  f.require_value("diversity_penalty", 0.0, "there is no beam search");
  f.require_value("length_penalty", 1.0, "there is no beam search");
  f.require_value("early_stopping", false, "there is no beam search");
  f.require_value("encoder_repetition_penalty", 1.0, "there is no encoder");
  f.require_value("encoder_no_repeat_ngram_size", 0, "there is no encoder");
  f.require_value("epsilon_cutoff", 0.0, "no epsilon sampling");
  f.require_value("eta_cutoff", 0.0, "no eta sampling");
  f.require_value("min_length", 0, "min_new_tokens is what is supported");
  f.require_value("bad_words_ids", nullptr, "no lists of forbidden words");
  f.require_value("forced_bos_token_id", nullptr, "no forced tokens");
  f.require_value("forced_eos_token_id", nullptr, "no forced tokens");
  f.require_value("suppress_tokens", nullptr, "no suppressed tokens");
  f.require_value("begin_suppress_tokens", nullptr, "no suppressed tokens");
  f.require_value("sequence_bias", nullptr, "no biases of sequences");
  f.require_value("stop_strings", nullptr, "stop strings are given with --stop");
  f.require_value("guidance_scale", nullptr, "no guidance");
  f.ignore({"bos_token_id",
            "pad_token_id",
            "transformers_version",
            "_from_model_config",
            "use_cache",
            "cache_implementation",
            "max_length",
            "output_attentions",
            "output_hidden_states",
            "output_scores",
            "return_dict_in_generate",
            "remove_invalid_values",
            "renormalize_logits",
            "assistant_early_exit",
            "assistant_confidence_threshold",
            "num_assistant_tokens",
            "num_assistant_tokens_schedule",
            "target_lookbehind",
            "assistant_lookbehind",
            "prompt_lookup_num_tokens",
            "max_matching_ngram_size",
            "is_assistant",
            "disable_compile",
            "low_memory",
            "return_legacy_cache",
            "token_healing",
            "output_logits",
            "trust_remote_code",
            "decoder_start_token_id",
            "use_model_defaults",
            "prefill_chunk_size",
            "dola_layers",
            "max_time"});
}

}  // namespace

GenerationDefaults read_generation_defaults(const std::filesystem::path& folder,
                                            const config::ModelConfig& config,
                                            const config::AcceptedKeys& accepted) {
  GenerationDefaults defaults;
  defaults.sampling.temperature = 0;
  defaults.stop_ids = config.eos_token_ids;
  const auto path = folder / "generation_config.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return defaults;

  const Json json = read_json(path, kMostConfigBytes);
  config::Fields f(json, path.string());
  read_sampling(f, defaults.sampling);
  defaults.max_new_tokens = f.optional_integer("max_new_tokens", 1, INT32_MAX);
  defaults.min_new_tokens = f.optional_integer("min_new_tokens", 0, INT32_MAX).value_or(0);
  if (auto ids = read_stop_ids(f, config.vocab_size); !ids.empty()) defaults.stop_ids = std::move(ids);
  refuse_other_methods(f);
  f.check_unknown(accepted);
  return defaults;
}

decode::StopRule stop_rule(const GenerationDefaults& defaults, std::optional<std::int64_t> asked,
                           std::int64_t otherwise) {
  const std::int64_t most = asked.value_or(defaults.max_new_tokens.value_or(otherwise));
  return {
      .ids = defaults.stop_ids, .max_tokens = most, .min_tokens = std::min(defaults.min_new_tokens, most)};
}

}  // namespace nestor::assemble
