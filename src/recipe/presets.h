// Recipes that `nestor train` knows by name.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace nestor::recipe {

/// smoke, story and their twins smoke-vanilla and story-vanilla.
std::vector<std::string> preset_names();

/// The recipe of that name. Its file names are relative to the folder assets/. Error(usage) names the
/// presets if there is none of that name.
Json preset(const std::string& name);

}  // namespace nestor::recipe
