#include "grammar/schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/json.h"

namespace nestor::grammar {
namespace {

constexpr std::array<std::string_view, 14> kAnnotations = {
    "title",    "description", "default",     "example",    "examples", "$schema",   "$id",
    "$comment", "$defs",       "definitions", "deprecated", "readOnly", "writeOnly", "$anchor"};
constexpr std::array<std::string_view, 26> kKeywords = {"type",
                                                        "enum",
                                                        "const",
                                                        "anyOf",
                                                        "oneOf",
                                                        "allOf",
                                                        "$ref",
                                                        "properties",
                                                        "required",
                                                        "additionalProperties",
                                                        "minProperties",
                                                        "maxProperties",
                                                        "items",
                                                        "prefixItems",
                                                        "minItems",
                                                        "maxItems",
                                                        "uniqueItems",
                                                        "minLength",
                                                        "maxLength",
                                                        "pattern",
                                                        "format",
                                                        "minimum",
                                                        "maximum",
                                                        "exclusiveMinimum",
                                                        "exclusiveMaximum",
                                                        "multipleOf"};
constexpr std::size_t kLongestPart = 60;     // bytes of a name in a place
constexpr std::size_t kFewMembers = 16;      // are searched from end to end
constexpr double kExact = 9007199254740992;  // 2^53: whole numbers up to it are all there

template <typename List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

const Json* find(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

bool is_annotation(std::string_view keyword) { return contains(kAnnotations, keyword); }

std::string place_in(const std::string& where, std::string_view part) {
  if (part.size() <= kLongestPart) return where + std::string(part);
  std::size_t end = kLongestPart;
  while (end > 0 && (static_cast<unsigned char>(part[end]) & 0xC0) == 0x80) --end;
  return where + std::string(part.substr(0, end)) + "...";
}

std::vector<std::string> type_names(const Json& type, const std::string& where) {
  std::vector<std::string> out;
  std::unordered_set<std::string_view> known;
  const auto add = [&](const Json& name) {
    if (!name.is_string())
      fail(ErrorKind::bad_input, "{}.type: expected a type's name, found {}", where, excerpt(name));
    const auto& text = name.get_ref<const std::string&>();
    if (known.insert(text).second) out.push_back(text);
  };
  if (type.is_array()) {
    for (const Json& name : type) add(name);
  } else {
    add(type);
  }
  return out;
}

std::string equality_key(const Json& value) {
  if (value.is_number_float() && std::abs(value.get<double>()) <= kExact &&
      value.get<double>() == std::floor(value.get<double>()))
    return std::to_string(value.get<std::int64_t>());
  if (!value.is_structured()) return to_text(value);
  std::string out;
  if (const auto* list = value.get_ptr<const Json::array_t*>()) {
    for (const Json& item : *list) out += equality_key(item) + ",";
    return "[" + out + "]";
  }
  for (const auto& [name, item] : value.get_ref<const Json::object_t&>()) {
    out += to_text(Json(name)) + ":" + equality_key(item) + ",";
  }
  return "{" + out + "}";
}

std::uint32_t count_of(const Json& value, const std::string& where) {
  constexpr double kLargest = std::numeric_limits<std::uint32_t>::max() - 1;  // the one above means no limit
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0) || number != std::floor(number)) {
    fail(ErrorKind::bad_input, "{}: expected a count, found {}", where, excerpt(value));
  }
  return static_cast<std::uint32_t>(std::min(number, kLargest));
}

void Schema::check(const Json& schema, const std::string& where) {
  if (schema.is_boolean()) return;
  if (!schema.is_object()) {
    fail(ErrorKind::bad_input, "{}: expected a schema (an object, true or false), found {}", where,
         kind_of(schema));
  }
  for (const auto& [keyword, value] : schema.items()) {
    if (!is_annotation(keyword) && !contains(kKeywords, keyword)) {
      fail(ErrorKind::unsupported, "{}: the keyword {} is not supported", where, in_quotes(keyword));
    }
  }
}

const Json* Schema::member(const Json& object, const std::string& key) {
  if (object.size() <= kFewMembers) return find(object, key);
  const auto [known, is_new] = members_.try_emplace(&object);
  if (is_new) {
    work_.spend(Work::Kind::joining, 20 * object.size());
    for (const auto& [name, value] : object.items()) known->second.emplace(name, &value);
  }
  const auto found = known->second.find(key);
  return found == known->second.end() ? nullptr : found->second;
}

const Json& Schema::target(const std::string& reference, const std::string& where) {
  if (reference.empty() || reference[0] != '#' || (reference.size() > 1 && reference[1] != '/')) {
    fail(ErrorKind::unsupported,
         "{}.$ref: only references into the schema itself are supported (\"#/$defs/...\"), found {}", where,
         in_quotes(reference));
  }
  const Json* at = &root_;
  for (std::size_t begin = 2; begin <= reference.size() && reference.size() > 1;) {
    const std::size_t end = std::min(reference.find('/', begin), reference.size());
    std::string key;
    for (std::size_t i = begin; i < end; ++i) {
      const bool escape = reference[i] == '~' && i + 1 < end;
      key += !escape ? reference[i] : reference[i + 1] == '1' ? '/' : '~';
      if (escape) ++i;
    }
    const Json* next = nullptr;
    if (at->is_object()) next = member(*at, key);
    if (at->is_array() && !key.empty() && key.size() < 8 &&
        key.find_first_not_of("0123456789") == std::string::npos) {
      const auto index = static_cast<std::size_t>(std::stoul(key));
      if (index < at->size()) next = &(*at)[index];
    }
    if (next == nullptr) fail(ErrorKind::bad_input, "{}.$ref: nothing is at {}", where, in_quotes(reference));
    at = next;
    begin = end + 1;
  }
  return *at;
}

}  // namespace nestor::grammar
