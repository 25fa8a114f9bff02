#include "random_schema.h"

#include <algorithm>
#include <array>

namespace nestor::grammar::testing {
namespace {

unsigned below(std::mt19937& random, unsigned n) { return static_cast<unsigned>(random() % n); }

const std::vector<std::string>& names() {
  static const std::vector<std::string> list = {"a", "b", "name", "n\"q", "\xC3\xA9t\xC3\xA9", "ab", ""};
  return list;
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> list = {
      "", "a", "abc", "x\ny", "\"q\"", "\xE2\x82\xAC", "\xF0\x9F\x98\x80z", "12"};
  return list;
}

// Pattern and some texts in which it is found.
struct Pattern {
  const char* pattern;
  std::array<const char*, 3> texts;
};
constexpr std::array<Pattern, 4> kPatterns = {{{"^[a-f0-9]{2,4}$", {"ab", "0f3", "beef"}},
                                               {"^\\w+@\\w+$", {"a@b", "x_1@y", "q@q"}},
                                               {"b", {"b", "abc", "a b"}},
                                               {"^(?:yes|no|maybe \\d+)$", {"yes", "no", "maybe 12"}}}};

Json random_scalar(std::mt19937& random) {
  switch (below(random, 5)) {
    case 0:
      return nullptr;
    case 1:
      return below(random, 2) == 0;
    case 2:
      return static_cast<int>(below(random, 2000)) - 1000;
    case 3:
      return static_cast<double>(below(random, 1000)) / 8;
    default:
      return texts()[below(random, static_cast<unsigned>(texts().size()))];
  }
}

Json random_object_schema(std::mt19937& random, int depth) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const std::string& name : names()) {
    if (below(random, 3) != 0) continue;
    schema["properties"][name] = random_schema(random, depth - 1);
    if (below(random, 2) == 0) required.push_back(name);
  }
  if (!required.empty()) schema["required"] = required;
  if (below(random, 3) == 0)
    schema["additionalProperties"] = below(random, 2) == 0 ? Json(false) : Json{{"type", "integer"}};
  return schema;
}

Json random_array_schema(std::mt19937& random, int depth) {
  Json schema = {{"type", "array"}, {"items", random_schema(random, depth - 1)}};
  if (below(random, 3) == 0) schema["prefixItems"] = Json::array({random_schema(random, depth - 1)});
  if (below(random, 2) == 0) schema["minItems"] = below(random, 3);
  if (below(random, 2) == 0) schema["maxItems"] = 2 + below(random, 3);
  return schema;
}

Json random_number_schema(std::mt19937& random) {
  Json schema = {{"type", below(random, 2) == 0 ? "integer" : "number"}};
  const int min = static_cast<int>(below(random, 300)) - 150;
  if (below(random, 2) == 0) schema[below(random, 2) == 0 ? "minimum" : "exclusiveMinimum"] = min;
  if (below(random, 2) == 0)
    schema[below(random, 2) == 0 ? "maximum" : "exclusiveMaximum"] =
        min + 2 + static_cast<int>(below(random, 300));
  return schema;
}

Json random_string_schema(std::mt19937& random) {
  Json schema = {{"type", "string"}};
  if (below(random, 3) == 0) {
    schema["pattern"] = kPatterns[below(random, kPatterns.size())].pattern;
  } else {
    if (below(random, 2) == 0) schema["minLength"] = below(random, 3);
    if (below(random, 2) == 0) schema["maxLength"] = 3 + below(random, 3);
  }
  return schema;
}

}  // namespace

Json random_schema(std::mt19937& random, int depth) {
  switch (below(random, depth > 0 ? 11 : 6)) {
    case 0:
      return {{"type", "boolean"}};
    case 1:
      return {{"enum", Json::array({random_scalar(random), random_scalar(random), Json::array({1, "x"})})}};
    case 2:
    case 3:
      return random_number_schema(random);
    case 4:
    case 5:
      return random_string_schema(random);
    case 6:
    case 7:
      return random_object_schema(random, depth);
    case 8:
      return random_array_schema(random, depth);
    case 9:
      return {{"anyOf", Json::array({random_schema(random, depth - 1),
                                     random_schema(random, depth - 1),
                                     {{"type", "null"}}})}};
    default:
      return {{"$ref", "#/$defs/d"}};
  }
}

std::optional<Json> random_document(std::mt19937& random, const Json& schema, const Json& root, int depth) {
  if (depth < 0) return std::nullopt;
  if (schema.contains("$ref")) return random_document(random, root.at("$defs").at("d"), root, depth - 1);
  if (schema.contains("anyOf"))
    return random_document(random, schema["anyOf"][below(random, 3)], root, depth);
  if (schema.contains("enum")) return schema["enum"][below(random, 3)];
  const std::string type = schema.at("type").get<std::string>();
  if (type == "boolean") return below(random, 2) == 0;
  if (type == "null") return nullptr;
  if (type == "string") {
    if (schema.contains("pattern")) {
      for (const Pattern& p : kPatterns) {
        if (schema["pattern"] == p.pattern) return p.texts[below(random, 3)];
      }
    }
    return below(random, 2) == 0 ? "abc" : "\xC3\xA9\"\xE2\x82\xAC";
  }
  if (type == "integer" || type == "number") {
    const int low = schema.contains("minimum") ? schema["minimum"].get<int>()
                                               : schema.value("exclusiveMinimum", -200) + 1;
    const int high =
        schema.contains("maximum") ? schema["maximum"].get<int>() : schema.value("exclusiveMaximum", 400) - 1;
    if (high < low) return std::nullopt;
    const int value = low + static_cast<int>(below(random, static_cast<unsigned>(high - low + 1)));
    if (type == "number" && value < high) return value + 0.125 * below(random, 8);
    return value;
  }
  if (type == "array") {
    const unsigned min = schema.value("minItems", 0U), max = std::min(schema.value("maxItems", 3U), min + 2);
    Json out = Json::array();
    for (unsigned i = 0, n = min + below(random, max - min + 1); i < n; ++i) {
      const bool in_prefix = schema.contains("prefixItems") && i == 0;
      auto item =
          random_document(random, in_prefix ? schema["prefixItems"][0] : schema["items"], root, depth - 1);
      if (!item) return std::nullopt;
      out.push_back(*item);
    }
    return out;
  }
  Json out = Json::object();
  const Json required = schema.value("required", Json::array());
  for (const auto& [name, property] : schema["properties"].items()) {
    const bool needed = std::find(required.begin(), required.end(), Json(name)) != required.end();
    if (!needed && below(random, 2) == 0) continue;
    auto value = random_document(random, property, root, depth - 1);
    if (!value && needed) return std::nullopt;
    if (value) out[name] = *value;
  }
  if (schema.contains("additionalProperties") && schema["additionalProperties"] != false) out["other"] = 7;
  return out;
}

std::vector<Vocabulary::Entry> small_tokens() {
  std::vector<Vocabulary::Entry> out;
  TokenId id = 100;
  for (int byte = 0; byte < 256; ++byte) out.push_back({id++, std::string(1, static_cast<char>(byte))});
  for (const char* piece :
       {"\":",      "\": ",     "\",",        "\", \"",     "{\"",      "\"}",  "\"}]",         "}}",
        "},",       "[{",       "[\"",        "\"]",        "]}",       "true", "false",        "null",
        "  ",       "    ",     "\n",         "\n  ",       " \"",      ", ",   ": ",           "abc",
        "ab",       "name",     "\\n",        "\\u00",      "\\\"",     "12",   "0.",           "-1",
        "00",       "\"a\"",    "\"b\": ",    "{}",         "[]",       "\"\"", "\xC3\xA9",     "\xE2\x82",
        "\x82\xAC", "\xF0\x9F", "\x98\x80\"", "a\"",        "a\", \"b", "1,",   "1}",           "1]",
        "e5",       "</",       "longcat",    "</longcat_", "Rome",     "\n\n", "\\ud83d\\ude", "ab",
        "ab\"], "}) {
    out.push_back({id++, piece});
  }
  return out;
}

std::vector<Vocabulary::Entry> control_tokens() {
  std::vector<Vocabulary::Entry> out;
  TokenId id = kFirstControl;
  for (const char* text :
       {"<longcat_tool_call>", "</longcat_tool_call>", "<longcat_arg_key>", "</longcat_arg_key>",
        "<longcat_arg_value>", "</longcat_arg_value>", "<longcat_think>"}) {
    out.push_back({id++, text});
  }
  return out;
}

std::shared_ptr<const Vocabulary> small_vocabulary() {
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(small_tokens(), control_tokens(), stop);
}

}  // namespace nestor::grammar::testing
