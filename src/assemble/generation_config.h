// generation_config.json: how the makers of a checkpoint want it sampled, and where it stops.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/token_id.h"
#include "config/model_config.h"
#include "decode/sampling.h"
#include "decode/turn.h"

namespace nestor::assemble {

struct GenerationDefaults {
  decode::SamplingParams sampling;  // temperature 0 where nothing asks for sampling
  std::optional<std::int64_t> max_new_tokens;
  std::int64_t min_new_tokens = 0;  // no stop token before so many
  std::vector<TokenId> stop_ids;
};

/// Reads the file if the folder has one. Sampling as it says if do_sample is true, else greedy (an absent
/// top_k or top_p is off: no default of another library is assumed). Stop ids are its eos_token_id, else
/// those of the model's configuration. Keys that would change the text in ways beyond Nestor are refused by
/// name.
GenerationDefaults read_generation_defaults(const std::filesystem::path& folder,
                                            const config::ModelConfig& config,
                                            const config::AcceptedKeys& accepted);

/// Where an answer ends: at the stop ids, or after the tokens that were asked for, else the checkpoint's
/// number, else `otherwise`. An answer shorter than min_new_tokens is one without stop ids.
decode::StopRule stop_rule(const GenerationDefaults& defaults, std::optional<std::int64_t> asked,
                           std::int64_t otherwise);

}  // namespace nestor::assemble
