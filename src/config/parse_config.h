// config.json -> ModelConfig. Every key is known, listed as without meaning for inference, or refused by
// name.
#pragma once

#include <filesystem>

#include "base/json.h"
#include "config/model_config.h"

namespace nestor::config {

/// Throws Error(bad_input) for missing, mistyped, negative, absurd or contradictory values, and
/// Error(unsupported) for models and keys beyond what Nestor does. `what` names the file in messages. All
/// problems of one kind are listed together.
ModelConfig parse_config(const Json& json, const std::string& what, const AcceptedKeys& accepted = {});

/// Reads and parses a file.
ModelConfig read_config(const std::filesystem::path& path, const AcceptedKeys& accepted = {});

}  // namespace nestor::config
