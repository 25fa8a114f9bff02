// The trained model -> a checkpoint folder in the published layout, which the inference engine and other
// readers of the family load.
#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include "base/json.h"
#include "train/modules/causal_lm.h"
#include "train/tables/row_table.h"

namespace nestor::train {

struct ExportRequest {
  std::filesystem::path folder;  // must not exist or be empty; appears complete or not at all
  Json config_json;  // config.json as it is written; its torch_dtype decides what the tensors are stored in
  std::filesystem::path
      tokenizer;  // a tokenizer.json, copied; with the tokenizer_config.json beside it if there is one
  std::optional<Json> tokenizer_config;   // written instead of that
  std::optional<Json> generation_config;  // else the ids of config_json and sampling at temperature 1
};

/// Writes model.safetensors (tables in blocks, so memory stays bounded), its index where there is a draft
/// block, config.json, generation_config.json and the tokenizer's files. Routers are stored in float32. The
/// draft block gets a copy of the word table as its own. Error: usage if the folder is not empty, bad_input
/// if config_json is another model's, io.
void export_checkpoint(const CausalLm& model, std::span<const RowTable* const> tables,
                       const ExportRequest& request);

}  // namespace nestor::train
