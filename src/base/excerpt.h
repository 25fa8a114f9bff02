// Values from outside as they may stand inside a message: their JSON text, cut where it gets long.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace nestor {

/// The text form of a value, of at most some 100 bytes.
std::string excerpt(const Json& value);

/// "\"a\", \"b\" and 7 more": names in quotes, the first few of them.
std::string excerpt(const std::vector<std::string>& names);

}  // namespace nestor
