#include "grammar/schema_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "grammar/formats.h"
#include "grammar/pattern.h"

namespace nestor::grammar {
namespace {

constexpr int kMaxSchemaDepth = 100;
constexpr std::size_t kMaxSchemas = 20'000;

bool is_of_type(const Json& value, std::string_view type) {
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
  }
  return (type == "string" && value.is_string()) || (type == "number" && value.is_number()) ||
         (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "boolean" && value.is_boolean()) || (type == "null" && value.is_null());
}

// The types of a schema; where it names none, those that its keywords are about. Empty: any.
std::vector<std::string> types_of(const Json& schema, const std::string& where) {
  std::vector<std::string> out;
  if (const Json* type = find(schema, "type")) {
    out = type_names(*type, where);
    if (out.empty()) out.emplace_back("none");
    return out;
  }
  const auto any = [&](std::initializer_list<const char*> keywords) {
    return std::any_of(keywords.begin(), keywords.end(), [&](const char* k) { return schema.contains(k); });
  };
  if (any({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}))
    out.emplace_back("object");
  if (any({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"})) out.emplace_back("array");
  if (any({"pattern", "format", "minLength", "maxLength"})) out.emplace_back("string");
  if (any({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}))
    out.emplace_back("number");
  return out;
}

CountRange range_of(const Json& schema, const char* min, const char* max, const std::string& where) {
  CountRange range;
  if (const Json* value = find(schema, min)) range.min = count_of(*value, where + "." + min);
  if (const Json* value = find(schema, max)) range.max = count_of(*value, where + "." + max);
  return range;
}

class Deeper {
 public:
  Deeper(int& depth, const std::string& where) : depth_(depth) {
    if (++depth_ > kMaxSchemaDepth)
      fail(ErrorKind::limit, "{}: the schema is nested too deep", where.substr(0, 120));
  }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  ~Deeper() { --depth_; }

 private:
  int& depth_;
};

}  // namespace

TermId SchemaCompiler::compile(const Json& given, const std::string& where) {
  const Deeper deeper(depth_, where);
  const Work::At at(builder_.work(), where);
  builder_.work().spend(Work::Kind::parts, 50);
  if (++compiled_ > kMaxSchemas)
    fail(ErrorKind::limit, "the schema is too large: more than {} schemas", kMaxSchemas);
  schema_.check(given, where);
  if (given == true) return json_.any_value();
  if (given == false) return builder_.never();
  if (const Json* name = find(given, "$ref"); name != nullptr && name->is_string()) {
    const bool alone = std::all_of(given.items().begin(), given.items().end(), [](const auto& item) {
      return item.key() == "$ref" || is_annotation(item.key());
    });
    if (alone) return reference(name->get_ref<const std::string&>(), where);
  }
  const std::optional<Json> joined = schema_.joined(given, where);
  const Json& schema = joined ? *joined : given;
  if (schema == true) return json_.any_value();
  if (schema == false) return builder_.never();
  if (schema.contains("anyOf")) return alternatives(schema, "anyOf", where);
  if (schema.contains("oneOf")) return alternatives(schema, "oneOf", where);
  if (const auto values = listed_values(schema, where)) return one_of_values(schema, *values, where);
  const std::vector<std::string> types = types_of(schema, where);
  if (types.empty()) return json_.any_value();
  std::vector<TermId> choices;
  for (const std::string& type : types) choices.push_back(of_type(schema, type, where));
  return builder_.choice(std::move(choices));
}

TermId SchemaCompiler::reference(const std::string& name, const std::string& where) {
  if (const auto known = references_.find(name); known != references_.end()) return known->second;
  schema_.target(name, where);
  const TermId rule = builder_.rule();
  references_.emplace(name, rule);
  waiting_.emplace_back(name, rule);
  return rule;
}

void SchemaCompiler::compile_references() {
  while (!waiting_.empty()) {
    const auto [name, rule] = waiting_.back();
    waiting_.pop_back();
    builder_.define(rule, compile(schema_.target(name, name), place_in("", name)));
  }
}

TermId SchemaCompiler::alternatives(const Json& schema, const char* keyword, const std::string& where) {
  const Json* list = find(schema, keyword);
  const std::string place = where + "." + keyword;
  if (!list->is_array() || list->empty()) fail(ErrorKind::bad_input, "{}: expected a list of schemas", place);
  Json rest = Json::object();  // what holds beside the alternatives
  for (const auto& [key, value] : schema.items()) {
    if (key != keyword && !is_annotation(key)) rest[key] = value;
  }
  std::vector<TermId> choices;
  for (std::size_t i = 0; i < list->size(); ++i) {
    choices.push_back(
        compile(rest.empty() ? (*list)[i] : schema_.both(rest, (*list)[i]), fmt::format("{}[{}]", place, i)));
  }
  return builder_.choice(std::move(choices));
}

std::optional<std::vector<Json>> SchemaCompiler::listed_values(const Json& schema, const std::string& where) {
  const Json* list = find(schema, "enum");
  const Json* only = find(schema, "const");
  if (list != nullptr && !list->is_array()) fail(ErrorKind::bad_input, "{}.enum: expected a list", where);
  if (only != nullptr) {
    const bool listed = list == nullptr || std::find(list->begin(), list->end(), *only) != list->end();
    return listed ? std::vector<Json>{*only} : std::vector<Json>{};
  }
  if (list == nullptr) return std::nullopt;
  return std::vector<Json>(list->begin(), list->end());
}

TermId SchemaCompiler::one_of_values(const Json& schema, const std::vector<Json>& values,
                                     const std::string& where) {
  for (const auto& [keyword, value] : schema.items()) {
    if (keyword != "enum" && keyword != "const" && keyword != "type" && !is_annotation(keyword)) {
      fail(ErrorKind::unsupported,
           "{}: {} beside enum or const is not supported; leave out the values that it excludes", where,
           in_quotes(keyword));
    }
  }
  std::vector<Json> kept;
  const std::vector<std::string> types = types_of(schema, where);
  for (const Json& value : values) {
    const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) {
                        return is_of_type(value, type);
                      });
    if (fits) kept.push_back(value);
  }
  return json_.one_of(kept);
}

TermId SchemaCompiler::of_type(const Json& schema, const std::string& type, const std::string& where) {
  if (type == "string") return string(schema, where);
  if (type == "number" || type == "integer") return number(schema, type, where);
  if (type == "boolean") return json_.boolean();
  if (type == "null") return builder_.literal("null");
  if (type == "array") return array(schema, where);
  if (type == "object") return object(schema, where);
  if (type == "none") return builder_.never();
  fail(ErrorKind::bad_input, "{}.type: there is no type {}", where, in_quotes(type));
}

CharDfa SchemaCompiler::text_of(const Json& schema, const std::string& where) {
  Work& work = builder_.work();
  CharDfa text = any_text();
  if (const Json* pattern = find(schema, "pattern")) {
    if (!pattern->is_string()) fail(ErrorKind::bad_input, "{}.pattern: expected a text", where);
    text = intersection(text, pattern_text(pattern->get_ref<const std::string&>(), where, work), work);
  }
  if (const Json* format = find(schema, "format")) {
    const auto pattern =
        format->is_string() ? pattern_of_format(format->get_ref<const std::string&>()) : std::nullopt;
    if (!pattern) fail(ErrorKind::unsupported, "{}.format: {} is not supported", where, excerpt(*format));
    text = intersection(text, pattern_text(*pattern, where, work), work);
  }
  const CountRange length = range_of(schema, "minLength", "maxLength", where);
  if (length.min > length.max) return CharDfa({});
  if (length.min > 0 || length.max != Terms::kNoLimit)
    text = intersection(text, text_of_length(length.min, length.max), work);
  return text;
}

TermId SchemaCompiler::string(const Json& schema, const std::string& where) {
  if (schema.contains("pattern") || schema.contains("format")) return json_.string(text_of(schema, where));
  const CountRange length = range_of(schema, "minLength", "maxLength", where);
  return length.min == 0 && length.max == Terms::kNoLimit ? json_.any_string()
                                                          : json_.string(length.min, length.max);
}

TermId SchemaCompiler::array(const Json& schema, const std::string& where) {
  if (const Json* unique = find(schema, "uniqueItems"); unique != nullptr && *unique != false) {
    fail(ErrorKind::unsupported, "{}.uniqueItems is not supported", where);
  }
  std::vector<TermId> first;
  if (const Json* list = find(schema, "prefixItems")) {
    if (!list->is_array()) fail(ErrorKind::bad_input, "{}.prefixItems: expected a list of schemas", where);
    for (std::size_t i = 0; i < list->size(); ++i) {
      first.push_back(compile((*list)[i], fmt::format("{}.prefixItems[{}]", where, i)));
    }
  }
  const Json* items = find(schema, "items");
  std::optional<TermId> rest;
  if (items == nullptr) {
    rest = json_.any_value();
  } else if (*items != false) {
    rest = compile(*items, where + ".items");
  }
  return json_.array(first, rest, range_of(schema, "minItems", "maxItems", where));
}

TermId SchemaCompiler::object(const Json& schema, const std::string& where) {
  using Presence = JsonTerms::Member::Presence;
  const Json none = Json::object(), no_names = Json::array();
  const Json* properties = find(schema, "properties");
  const Json* names = find(schema, "required");
  if (properties == nullptr) properties = &none;
  if (names == nullptr) names = &no_names;
  if (!properties->is_object()) fail(ErrorKind::bad_input, "{}.properties: expected an object", where);
  if (!names->is_array()) fail(ErrorKind::bad_input, "{}.required: expected a list of names", where);
  std::vector<std::string> required;
  for (const Json& name : *names) {
    if (!name.is_string())
      fail(ErrorKind::bad_input, "{}.required: expected names, found {}", where, excerpt(name));
    required.push_back(name.get<std::string>());
  }
  std::sort(required.begin(), required.end());
  required.erase(std::unique(required.begin(), required.end()), required.end());

  std::vector<JsonTerms::Member> members;
  std::vector<std::string> excluded;
  for (const auto& [name, property] : properties->items()) {
    const bool needed = std::binary_search(required.begin(), required.end(), name);
    if (property == false && !needed) {
      excluded.push_back(name);
    } else {
      members.push_back({name, compile(property, place_in(where + ".properties.", name)),
                         needed ? Presence::required : Presence::optional});
    }
  }
  // Where nothing is said about further properties, a schema that lists some gets no others.
  const Json* further = find(schema, "additionalProperties");
  std::optional<TermId> other;
  if (further == nullptr ? properties->empty() : *further != false) {
    other = further == nullptr ? json_.any_value() : compile(*further, where + ".additionalProperties");
  }
  std::unordered_set<std::string_view> listed;
  for (const auto& [name, property] : properties->items()) listed.insert(name);
  for (const std::string& name : required) {
    if (listed.contains(name)) continue;
    const bool forbidden = further != nullptr && *further == false;
    const TermId value = forbidden ? builder_.never() : other ? *other : json_.any_value();
    members.push_back({name, value, Presence::required});
  }
  CountRange count = range_of(schema, "minProperties", "maxProperties", where);
  const bool counted = count.min > required.size() || count.max < Terms::kNoLimit;
  if (counted && required.size() != members.size()) {
    fail(ErrorKind::unsupported,
         "{}: minProperties and maxProperties beside optional properties are not supported", where);
  }
  const auto written = static_cast<std::uint32_t>(members.size());
  if (counted && count.max < written) return builder_.never();
  if (count.max != Terms::kNoLimit) count.max -= written;
  count.min -= std::min(count.min, written);
  if (!other && count.min > 0) return builder_.never();
  return json_.object(members, other ? std::optional(JsonTerms::OtherMembers{*other, count}) : std::nullopt,
                      excluded);
}

}  // namespace nestor::grammar
