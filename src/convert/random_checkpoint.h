// Writes a random checkpoint in the published layout: config.json, sharded safetensors with an index, the
// draft block in a file of its own. For trying engines at any size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "config/model_config.h"

namespace nestor::convert {

struct NewOptions {
  std::uint64_t seed = 0;
  std::uint64_t shard_bytes = std::uint64_t{4} << 30;
  config::AcceptedKeys accepted_keys;
  std::string config_name = "config.json";  // of the configuration, in messages
};

/// `folder` must not exist or be empty. Memory stays bounded whatever the size. config.json is written last:
/// a folder without it is not finished. Throws Error, and then no file is left; limit if the disk is too
/// small, cancelled if `stop` asks.
void write_random_checkpoint(const Json& config_json, const std::filesystem::path& folder,
                             const NewOptions& options, ProgressSink& progress, const std::stop_token& stop);

}  // namespace nestor::convert
