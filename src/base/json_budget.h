// JSON from strangers: a small text of brackets can ask for much memory, so the number of values has a limit
// while they are read.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/json.h"

namespace nestor {

/// The values that documents may have: what is parsed with it takes from it.
struct JsonBudget {
  std::size_t values;
};

/// As parse_json() without one. Throws Error(limit) as soon as there are more values than are left.
Json parse_json(std::string_view text, std::string_view what, JsonBudget& budget);

}  // namespace nestor
