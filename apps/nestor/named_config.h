// The configuration that a MODEL names: of a folder, of a config.json, or one that is built in.
#pragma once

#include <string>

#include "arguments.h"
#include "config/model_config.h"

namespace nestor::app {

/// Whether it is the name of a preset (convert/presets.h) and no path.
bool is_built_in(const std::string& model);

/// Empty names the bundled model.
config::ModelConfig named_config(const std::string& model, const assemble::OpenOptions& engine);

}  // namespace nestor::app
