// Schemas that have to hold together, made one. What it takes grows with the size of what is joined, and is
// counted: the parts of an allOf can name each other so often that what they make together is huge.
#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "grammar/schema.h"

namespace nestor::grammar {
namespace {

constexpr int kMaxJoinDepth = 64;  // of allOf and references in it

using Members = std::unordered_map<std::string_view, const Json*>;

// What copying a value costs: about a step for each byte that it takes.
std::uint64_t cost_of(const Json& value) {
  std::uint64_t cost = 100;
  if (const auto* text = value.get_ptr<const Json::string_t*>()) cost += text->size();
  if (const auto* list = value.get_ptr<const Json::array_t*>()) {
    for (const Json& item : *list) cost += cost_of(item);
  }
  if (const auto* object = value.get_ptr<const Json::object_t*>()) {
    for (const auto& [name, item] : *object) cost += name.size() + cost_of(item);
  }
  return cost;
}

bool constrains(const Json& schema) {
  if (!schema.is_object()) return true;
  for (const auto& [keyword, value] : schema.items()) {
    if (!is_annotation(keyword)) return true;
  }
  return false;
}

Json joined_types(const Json& a, const Json& b, const std::string& where) {
  const std::vector<std::string> list = type_names(b, where);
  const std::unordered_set<std::string_view> theirs(list.begin(), list.end());
  Json out = Json::array();
  for (const std::string& name : type_names(a, where)) {
    const bool narrowed = name == "number" && theirs.contains("integer");
    if (theirs.contains(name)) {
      out.push_back(name);
    } else if (narrowed || (name == "integer" && theirs.contains("number"))) {
      out.push_back("integer");
    }
  }
  return out;
}

Json common(const Json& a, const Json& b) {
  std::unordered_set<std::string> theirs;
  for (const Json& value : b) theirs.insert(equality_key(value));
  Json out = Json::array();
  for (const Json& value : a) {
    if (theirs.contains(equality_key(value))) out.push_back(value);
  }
  return out;
}

void add_missing(Json& names, const Json& more) {
  std::unordered_set<std::string> known;
  for (const Json& name : names) known.insert(equality_key(name));
  for (const Json& name : more) {
    if (known.insert(equality_key(name)).second) names.push_back(name);
  }
}

Members properties_of(const Json& schema) {
  Members out;
  const Json* list = find(schema, "properties");
  if (list == nullptr || !list->is_object()) return out;
  for (const auto& [name, property] : list->items()) out.emplace(name, &property);
  return out;
}

// The schema of one property, or of one place in an array, where it has none of its own.
Json other_of(const Json& schema, std::string_view keyword) {
  const Json* others = find(schema, keyword);
  return others == nullptr ? Json(true) : *others;
}

const Json& list_of(const Json& schema, std::string_view keyword, const Json& none) {
  const Json* list = find(schema, keyword);
  if (list != nullptr && !list->is_array())
    fail(ErrorKind::bad_input, "{}: expected a list of schemas, found {}", keyword, kind_of(*list));
  return list == nullptr ? none : *list;
}

}  // namespace

Json Schema::both(const Json& a, const Json& b) {
  work_.spend(Work::Kind::joining, cost_of(a) + cost_of(b));
  if (a == true) return b;
  if (b == true || a == b) return a;
  return {{"allOf", Json::array({a, b})}};
}

void Schema::join_properties(Json& out, const Json& a, const Json& b) {
  const Members in_a = properties_of(a), in_b = properties_of(b);
  const Json others_a = other_of(a, "additionalProperties"), others_b = other_of(b, "additionalProperties");
  Json properties = Json::object();
  if (!in_a.empty()) {
    for (const auto& [name, schema] : a.at("properties").items()) {
      const auto opposite = in_b.find(name);
      add_unique(properties, name, both(schema, opposite == in_b.end() ? others_b : *opposite->second));
    }
  }
  if (!in_b.empty()) {
    for (const auto& [name, schema] : b.at("properties").items()) {
      if (!in_a.contains(name)) add_unique(properties, name, both(schema, others_a));
    }
  }
  if (!properties.empty()) out["properties"] = std::move(properties);
  if (a.contains("additionalProperties") || b.contains("additionalProperties")) {
    out["additionalProperties"] = both(others_a, others_b);
  }
}

void Schema::join_items(Json& out, const Json& a, const Json& b) {
  const Json none = Json::array();
  const Json &list_a = list_of(a, "prefixItems", none), &list_b = list_of(b, "prefixItems", none);
  const Json rest_a = other_of(a, "items"), rest_b = other_of(b, "items");
  Json prefix = Json::array();
  for (std::size_t i = 0; i < std::max(list_a.size(), list_b.size()); ++i) {
    prefix.push_back(both(i < list_a.size() ? list_a[i] : rest_a, i < list_b.size() ? list_b[i] : rest_b));
  }
  if (!prefix.empty()) out["prefixItems"] = std::move(prefix);
  if (a.contains("items") || b.contains("items")) out["items"] = both(rest_a, rest_b);
}

std::optional<Json> Schema::joined(const Json& schema, const std::string& where) {
  check(schema, where);
  if (!schema.is_object() || (!schema.contains("allOf") && !schema.contains("$ref"))) return std::nullopt;
  return join_all(schema, where, 0);
}

Json Schema::join_all(const Json& schema, const std::string& where, int depth) {
  work_.spend(Work::Kind::joining, cost_of(schema));
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
  work_.spend(Work::Kind::joining, cost_of(a) + cost_of(b));
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
      *mine = joined_types(*mine, theirs, where);
    } else if (keyword == "required" && mine->is_array() && theirs.is_array()) {
      add_missing(*mine, theirs);
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
      const Json other = {{keyword, theirs}};
      for (Json& alternative : *mine) alternative = both(alternative, other);
    } else {
      fail(ErrorKind::unsupported, "{}: two different values of {} that have to hold together", where,
           in_quotes(keyword));
    }
  }
  return out;
}

}  // namespace nestor::grammar
