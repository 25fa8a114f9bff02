#include "named_config.h"

#include <algorithm>

#include "config/parse_config.h"
#include "convert/presets.h"

namespace nestor::app {

bool is_built_in(const std::string& model) {
  std::error_code unreadable;
  const auto names = convert::preset_names();
  return std::ranges::count(names, model) > 0 && !std::filesystem::exists(model, unreadable);
}

config::ModelConfig named_config(const std::string& model, const assemble::OpenOptions& engine) {
  if (is_built_in(model)) return config::parse_config(convert::preset(model), model, engine.accepted_keys);
  return assemble::open(resolve_model(model), engine).config();
}

}  // namespace nestor::app
