// The formats of JSON Schema for strings, as patterns.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nestor::grammar {

/// The pattern of a format: date, time, date-time, duration, email, hostname, ipv4, ipv6, uuid, uri. Nothing
/// for others. Where a standard admits more than programs write, the pattern is the narrower one.
std::optional<std::string> pattern_of_format(std::string_view format);

}  // namespace nestor::grammar
