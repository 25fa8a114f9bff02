// The one door for JSON text. Objects keep the order of their keys. Stricter than the library behind it:
// duplicate keys, invalid UTF-8 and nesting deeper than kMaxJsonDepth are errors.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace nestor {

using Json = nlohmann::ordered_json;

inline constexpr int kMaxJsonDepth = 128;

/// Parses one JSON document. `what` names it in messages ("config.json"). Throws Error(bad_input).
Json parse_json(std::string_view text, std::string_view what);

/// Reads and parses a file of at most `max_bytes`.
Json read_json(const std::filesystem::path& path, std::uint64_t max_bytes);

/// Adds a key that the object does not have. Objects keep their order and are searched from end to end, so
/// that [] takes a time that grows with the number of keys.
void add_unique(Json& object, const std::string& key, Json value);

/// "an object", "a string", ... for messages.
const char* kind_of(const Json& value);

/// The text form with ASCII escapes only where JSON demands them; ill-formed UTF-8 becomes U+FFFD.
std::string to_text(const Json& value, int indent = -1);

}  // namespace nestor
