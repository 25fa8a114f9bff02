// The one door for JSON text. Objects keep the order of their keys. Stricter than the library behind it:
// duplicate keys, invalid UTF-8 and nesting deeper than kMaxJsonDepth are errors.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>

/// The library's own version makes a list of all that is to be destroyed, and where there is no memory for
/// one it ends the process. Documents are as deep as kMaxJsonDepth says at most, so that each value may as
/// well destroy what it holds.
template <>
inline void nlohmann::ordered_json::json_value::destroy(value_t type) {
  const auto destroy_content = [](auto* content) {
    if (content == nullptr) return;
    std::destroy_at(content);
    std::allocator<std::remove_pointer_t<decltype(content)>>().deallocate(content, 1);
  };
  if (type == value_t::object) destroy_content(object);
  if (type == value_t::array) destroy_content(array);
  if (type == value_t::string) destroy_content(string);
  if (type == value_t::binary) destroy_content(binary);
}

namespace nlohmann {

/// The library's own makes a document of the text first, and may not throw either.
inline bool operator==(const ordered_json& value, const char* text) noexcept {
  const auto* held = value.get_ptr<const std::string*>();
  return held != nullptr && *held == text;
}

}  // namespace nlohmann

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
