// The sampling options of commands that generate, over the defaults of the checkpoint.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "assemble/generation_config.h"
#include "decode/sampling.h"

namespace nestor::app {

struct SamplingOptions {
  std::optional<double> temperature;
  std::optional<std::int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<double> presence_penalty;
  std::optional<double> frequency_penalty;
  std::vector<std::string> logit_bias;  // ID=VALUE
  std::uint64_t seed = 0;
};

void add_sampling_options(CLI::App& parser, SamplingOptions& options);

/// What was given on the command line over what the checkpoint wants. Error(usage) for a malformed bias.
decode::SamplingParams resolve_sampling(const SamplingOptions& options,
                                        const assemble::GenerationDefaults& defaults);

}  // namespace nestor::app
