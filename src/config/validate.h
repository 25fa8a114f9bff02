// What must hold between the values of a configuration.
#pragma once

#include "config/model_config.h"

namespace nestor::config {

/// Throws Error(bad_input) naming the first contradiction.
void validate(const ModelConfig& config, const std::string& what);

}  // namespace nestor::config
