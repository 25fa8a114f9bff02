// Checkpoint -> checkpoint in other number formats, and new checkpoints directly in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "config/model_config.h"
#include "convert/format_policy.h"
#include "convert/importance.h"
#include "kernels/op_args.h"
#include "quant/distortion.h"
#include "quant/rounding.h"

namespace nestor::convert {

struct ConvertOptions {
  FormatRequest formats;
  quant::ScaleRule scales = quant::ScaleRule::search;
  Importance importance;  // weights the errors that the search of scales makes small
  std::uint64_t shard_bytes = std::uint64_t{4} << 30;
  int threads = 1;
  config::AcceptedKeys accepted_keys;
};

struct ConvertReport {
  std::uint64_t bytes = 0;    // of the tensors
  std::size_t files = 0;      // shards of the target
  std::size_t kept = 0;       // of them, found finished
  quant::Distortion weights;  // of tensors in tiles
  quant::Distortion tables;   // of tensors in records
};

/// Writes `source` to `target` in the formats that are asked for, with its tokenizer, templates and
/// generation settings; config.json says how it was quantized and is written last. Memory is bounded. Every
/// file is read again after it was written. If `target` holds an unfinished conversion of the same files with
/// the same options, files that are complete and undamaged are kept. `ops` reads the source. Throws Error;
/// cancelled if `stop` asks.
ConvertReport convert_checkpoint(const std::filesystem::path& source, const std::filesystem::path& target,
                                 const ConvertOptions& options, const kernels::OpTable& ops,
                                 ProgressSink& progress, const std::stop_token& stop);

/// Writes a new random checkpoint (random_checkpoint.h) directly in the formats that are asked for. Messages
/// call the configuration `config_name`.
ConvertReport write_random_quantized(const Json& config_json, const std::string& config_name,
                                     std::uint64_t seed, const std::filesystem::path& target,
                                     const ConvertOptions& options, ProgressSink& progress,
                                     const std::stop_token& stop);

}  // namespace nestor::convert
