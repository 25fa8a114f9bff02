// Names for what is not a checkpoint of ours: quantization methods of others, adapters, files of other
// programs, folders that only lead to a checkpoint.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"

namespace nestor::config {

/// Error(unsupported) names the program that quantized the checkpoint, if config.json says that one did whose
/// numbers Nestor does not read. `what` names config.json in messages.
void refuse_other_quantization(const Json& config, const std::string& what);

/// The folder itself, or the snapshot inside a folder of the Hugging Face cache (models--ORG--NAME).
/// Error(bad_input) if that has several snapshots and does not say which is meant.
std::filesystem::path checkpoint_folder(const std::filesystem::path& folder);

/// Throws the Error that the folder deserves in which `missing` ("config.json", "*.safetensors file") was
/// looked for: it is no folder, or it holds an adapter, a GGUF file, pickles, an unfinished download.
[[noreturn]] void fail_without(const std::string& missing, const std::filesystem::path& folder);

}  // namespace nestor::config
