#include "grammar/schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/json.h"

namespace nestor::grammar {

const Json* find(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

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
constexpr int kMaxJoinDepth = 64;  // of allOf and references in it

template <typename List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::size_t values_in(const Json& value) {
  std::size_t count = 1;
  if (value.is_structured()) {
    for (const Json& item : value) count += values_in(item);
  }
  return count;
}

bool constrains(const Json& schema) {
  if (!schema.is_object()) return true;
  for (const auto& [keyword, value] : schema.items()) {
    if (!is_annotation(keyword)) return true;
  }
  return false;
}

Json as_list(const Json& value) { return value.is_array() ? value : Json::array({value}); }

Json joined_types(const Json& a, const Json& b) {
  Json out = Json::array();
  for (const Json& x : as_list(a)) {
    for (const Json& y : as_list(b)) {
      if (x == y) out.push_back(x);
      if (x == "integer" && y == "number") out.push_back(x);
      if (x == "number" && y == "integer") out.push_back(y);
    }
  }
  return out;
}

Json common(const Json& a, const Json& b) {
  Json out = Json::array();
  for (const Json& value : a) {
    if (std::find(b.begin(), b.end(), value) != b.end()) out.push_back(value);
  }
  return out;
}

// The schema of one property, or of one place in an array, where it has none of its own.
Json other_of(const Json& schema, std::string_view keyword) {
  const Json* others = find(schema, keyword);
  return others == nullptr ? Json(true) : *others;
}

void join_properties(Json& out, const Json& a, const Json& b) {
  Json properties = Json::object();
  const auto add_all = [&](const Json& mine, const Json& other) {
    const Json* list = find(mine, "properties");
    const Json* theirs = find(other, "properties");
    if (list == nullptr || !list->is_object()) return;
    for (const auto& [name, schema] : list->items()) {
      if (properties.contains(name)) continue;
      const Json* opposite = theirs == nullptr ? nullptr : find(*theirs, name);
      properties[name] =
          both(schema, opposite == nullptr ? other_of(other, "additionalProperties") : *opposite);
    }
  };
  add_all(a, b);
  add_all(b, a);
  if (!properties.empty()) out["properties"] = std::move(properties);
  if (a.contains("additionalProperties") || b.contains("additionalProperties")) {
    out["additionalProperties"] =
        both(other_of(a, "additionalProperties"), other_of(b, "additionalProperties"));
  }
}

void join_items(Json& out, const Json& a, const Json& b) {
  const Json none = Json::array();
  const Json* first_a = find(a, "prefixItems");
  const Json* first_b = find(b, "prefixItems");
  const Json& list_a = first_a == nullptr ? none : *first_a;
  const Json& list_b = first_b == nullptr ? none : *first_b;
  Json prefix = Json::array();
  for (std::size_t i = 0; i < std::max(list_a.size(), list_b.size()); ++i) {
    prefix.push_back(both(i < list_a.size() ? list_a[i] : other_of(a, "items"),
                          i < list_b.size() ? list_b[i] : other_of(b, "items")));
  }
  if (!prefix.empty()) out["prefixItems"] = std::move(prefix);
  if (a.contains("items") || b.contains("items"))
    out["items"] = both(other_of(a, "items"), other_of(b, "items"));
}

}  // namespace

bool is_annotation(std::string_view keyword) { return contains(kAnnotations, keyword); }

Json both(const Json& a, const Json& b) {
  if (a == true) return b;
  if (b == true || a == b) return a;
  return {{"allOf", Json::array({a, b})}};
}

std::uint32_t count_of(const Json& value, const std::string& where) {
  constexpr double kLargest = std::numeric_limits<std::uint32_t>::max() - 1;  // the one above means no limit
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0) || number != std::floor(number)) {
    fail(ErrorKind::bad_input, "{}: expected a count, found {}", where, excerpt(value));
  }
  return static_cast<std::uint32_t>(std::min(number, kLargest));
}

void Schema::check(const Json& schema, const std::string& where) const {
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

const Json& Schema::target(const std::string& reference, const std::string& where) const {
  if (reference.empty() || reference[0] != '#' || (reference.size() > 1 && reference[1] != '/')) {
    fail(ErrorKind::unsupported,
         "{}.$ref: only references into the schema itself are supported (\"#/$defs/...\"), found {}", where,
         in_quotes(reference));
  }
  const Json* at = &root_;
  for (std::size_t begin = 2; begin <= reference.size() && reference.size() > 1;) {
    const std::size_t end = std::min(reference.find('/', begin), reference.size());
    std::string key = reference.substr(begin, end - begin);
    for (std::size_t i = 0; (i = key.find('~', i)) != std::string::npos; ++i) {
      key.replace(i, 2, key.substr(i, 2) == "~1" ? "/" : "~");
    }
    const Json* next = nullptr;
    if (at->is_object()) next = find(*at, key);
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

Json Schema::joined(const Json& schema, const std::string& where) { return join_all(schema, where, 0); }

Json Schema::join_all(const Json& schema, const std::string& where, int depth) {
  check(schema, where);
  if (depth > kMaxJoinDepth)
    fail(ErrorKind::limit, "{}: allOf and $ref lead to each other without end", where);
  if (schema.is_boolean()) return schema;
  const Json* list = find(schema, "allOf");
  const Json* reference = find(schema, "$ref");
  if (list == nullptr && reference == nullptr) return schema;
  Json out = schema;
  out.erase("allOf");
  out.erase("$ref");
  if (reference != nullptr) {
    if (!reference->is_string()) fail(ErrorKind::bad_input, "{}.$ref: expected a text", where);
    const Json& named = target(reference->get_ref<const std::string&>(), where);
    out = join(out, join_all(named, where, depth + 1), where);
  }
  if (list != nullptr) {
    if (!list->is_array()) fail(ErrorKind::bad_input, "{}.allOf: expected a list", where);
    for (const Json& part : *list) out = join(out, join_all(part, where, depth + 1), where);
  }
  return out;
}

Json Schema::join(const Json& a, const Json& b, const std::string& where) {
  if (b == true || !constrains(b)) return a;
  if (a == true || !constrains(a)) return b;
  if (a == false || b == false) return false;
  const std::size_t size = values_in(a) + values_in(b);
  if (size > budget_)
    fail(ErrorKind::limit, "{}: joining the parts of allOf makes the schema too large", where);
  budget_ -= size;
  Json out = a;
  join_properties(out, a, b);
  join_items(out, a, b);
  for (const auto& [keyword, theirs] : b.items()) {
    if (is_annotation(keyword) || keyword == "properties" || keyword == "additionalProperties" ||
        keyword == "items" || keyword == "prefixItems")
      continue;
    const auto mine = out.find(keyword);
    if (mine == out.end()) {
      out[keyword] = theirs;
    } else if (*mine == theirs) {
      continue;
    } else if (keyword == "type") {
      *mine = joined_types(*mine, theirs);
    } else if (keyword == "required" && mine->is_array() && theirs.is_array()) {
      for (const Json& name : theirs) {
        if (std::find(mine->begin(), mine->end(), name) == mine->end()) mine->push_back(name);
      }
    } else if (keyword == "enum" && mine->is_array() && theirs.is_array()) {
      *mine = common(*mine, theirs);
    } else if (keyword == "const") {
      return false;
    } else if (keyword.substr(0, 3) == "min" || keyword == "exclusiveMinimum") {
      if (*mine < theirs) *mine = theirs;
    } else if (keyword.substr(0, 3) == "max" || keyword == "exclusiveMaximum") {
      if (theirs < *mine) *mine = theirs;
    } else if (keyword == "uniqueItems") {
      *mine = true;
    } else if ((keyword == "anyOf" || keyword == "oneOf") && mine->is_array()) {
      for (Json& alternative : *mine) alternative = both(alternative, Json{{keyword, theirs}});
    } else {
      fail(ErrorKind::unsupported, "{}: two different values of {} that have to hold together", where,
           in_quotes(keyword));
    }
  }
  return out;
}

}  // namespace nestor::grammar
