// Configurations that `nestor new` knows by name.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace nestor::convert {

std::vector<std::string> preset_names();

/// The config.json of a preset. Error(usage) names the presets if there is none of that name.
///   tiny: every part of the architecture, some megabytes, for trying things out
///   lite: the full shape of LongCat-Flash-Lite, 68.5 billion parameters and its draft block
Json preset(const std::string& name);

}  // namespace nestor::convert
