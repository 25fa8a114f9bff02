// JSON files that notice when a bit of them flips: their last key, "checksum", is the CRC-32C of all others.
#pragma once

#include <string_view>

#include "base/json.h"

namespace nestor {

/// The object with its checksum, which it does not have yet.
Json with_checksum(Json object);

/// Takes the key away again. Error(bad_input) that begins with `what` and ends with `advice` where it is
/// missing or wrong.
void take_checksum(Json& object, std::string_view what, std::string_view advice = "");

}  // namespace nestor
