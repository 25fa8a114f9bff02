// Any bytes as a recipe with an override before it (first line): refused, or a recipe that is written and
// read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "recipe/recipe_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nestor::Json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  try {
    Json json = nestor::parse_json(line == std::string_view::npos ? text : text.substr(line + 1), "fuzz");
    if (line != std::string_view::npos && line > 0) {
      nestor::recipe::apply_override(json, std::string(text.substr(0, line)));
    }
    nestor::recipe::anchor_paths(json, "/folder");
    const Json written = nestor::recipe::to_json(nestor::recipe::parse_recipe(json, "fuzz"));
    if (nestor::recipe::to_json(nestor::recipe::parse_recipe(written, "again")) != written) std::abort();
  } catch (const nestor::Error& error) {
    using Kind = nestor::ErrorKind;
    if (error.kind() != Kind::bad_input && error.kind() != Kind::unsupported && error.kind() != Kind::usage)
      std::abort();
  }
  return 0;
}
