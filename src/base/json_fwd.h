// The name of the JSON type (as in base/json.h), for headers that only pass documents on.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace nestor {

using Json = nlohmann::ordered_json;

}  // namespace nestor
