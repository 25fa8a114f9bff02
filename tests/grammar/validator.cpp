#include "validator.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <stdexcept>

#include "base/utf8.h"

namespace nestor::grammar::testing {
namespace {

bool has_type(const Json& value, const std::string& type) {
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  }
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

std::size_t characters(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += decode_utf8(text, i).length) ++count;
  return count;
}

bool object_satisfies(const Json& value, const Json& schema, const Json& root) {
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, item] : value.items()) {
    if (properties.contains(name)) {
      if (!satisfies(item, properties.at(name), root)) return false;
    } else if (schema.contains("additionalProperties") &&
               !satisfies(item, schema.at("additionalProperties"), root)) {
      return false;
    }
  }
  if (!schema.contains("required")) return true;
  return std::all_of(schema["required"].begin(), schema["required"].end(),
                     [&](const Json& name) { return value.contains(name.get<std::string>()); });
}

bool array_satisfies(const Json& value, const Json& schema, const Json& root) {
  const Json prefix = schema.value("prefixItems", Json::array());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i < prefix.size() ? !satisfies(value[i], prefix[i], root)
                          : schema.contains("items") && !satisfies(value[i], schema.at("items"), root))
      return false;
  }
  return value.size() >= schema.value("minItems", 0U) && value.size() <= schema.value("maxItems", ~0U);
}

bool string_satisfies(const std::string& text, const Json& schema) {
  const std::size_t length = characters(text);
  if (length < schema.value("minLength", 0U) || length > schema.value("maxLength", ~0U)) return false;
  return !schema.contains("pattern") ||
         std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
}

bool number_satisfies(const Json& value, const Json& schema) {
  const double x = value.get<double>();
  return (!schema.contains("minimum") || x >= schema["minimum"].get<double>()) &&
         (!schema.contains("maximum") || x <= schema["maximum"].get<double>()) &&
         (!schema.contains("exclusiveMinimum") || x > schema["exclusiveMinimum"].get<double>()) &&
         (!schema.contains("exclusiveMaximum") || x < schema["exclusiveMaximum"].get<double>());
}

}  // namespace

bool satisfies(const Json& value, const Json& schema, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>();
  const auto some = [&](const Json& list, const auto& test) {
    return std::any_of(list.begin(), list.end(), test);
  };
  const auto holds = [&](const Json& part) { return satisfies(value, part, root); };
  if (schema.contains("$ref")) {
    const std::string reference = schema["$ref"].get<std::string>();
    if (!holds(root.at(Json::json_pointer(reference.substr(1))))) return false;
  }
  if (schema.contains("allOf") && !std::all_of(schema["allOf"].begin(), schema["allOf"].end(), holds))
    return false;
  if (schema.contains("anyOf") && !some(schema["anyOf"], holds)) return false;
  if (schema.contains("const") && value != schema["const"]) return false;
  if (schema.contains("enum") && !some(schema["enum"], [&](const Json& one) { return one == value; }))
    return false;
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    if (!some(types, [&](const Json& type) { return has_type(value, type.get<std::string>()); }))
      return false;
  }
  if (value.is_object()) return object_satisfies(value, schema, root);
  if (value.is_array()) return array_satisfies(value, schema, root);
  if (value.is_string()) return string_satisfies(value.get<std::string>(), schema);
  return !value.is_number() || number_satisfies(value, schema);
}

}  // namespace nestor::grammar::testing
