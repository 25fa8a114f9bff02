// What the languages of schemas hold, text by text.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "grammar/grammar.h"
#include "support/refusal.h"

namespace nestor::grammar {
namespace {

struct Case {
  std::string schema;
  std::vector<std::string> accepted;
  std::vector<std::string> rejected;
};

void check(const Case& c) {
  const auto grammar = Grammar::from_json_schema(parse_json(c.schema, "test"));
  for (const auto& text : c.accepted)
    EXPECT_TRUE(grammar->matches(text)) << c.schema << " should accept " << text;
  for (const auto& text : c.rejected)
    EXPECT_FALSE(grammar->matches(text)) << c.schema << " should reject " << text;
}

TEST(Schema, Strings) {
  check({R"({"type": "string"})",
         {R"("")", R"("a b")", R"("\u00e9\n\"\\\/")", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
          R"("\ud83d\ude00")", R"("\u0000")", "\"\x7F\""},
         {"", "\"", "a", R"("a)", "\"\n\"", "\"\t\"", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
          R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\ud83d")", R"("\x41")", R"("\u12")",
          R"("a" )", R"( "a")", "\"\xF4\x90\x80\x80\"", "\"\xE0\x80\x80\""}});
  check({R"({"type": "string", "minLength": 2, "maxLength": 3})",
         {R"("ab")", "\"\xC3\xA9\xF0\x9F\x98\x80\"", R"("\ud83d\ude00\n")", R"("abc")"},
         {R"("")", R"("a")", R"("abcd")", R"("\u00e9")", R"("\ud83d\ude00")"}});
  check({R"({"type": "string", "minLength": 1})", {R"("a")", R"("abcdefgh")"}, {R"("")"}});
  check({R"({"type": "string", "maxLength": 0})", {R"("")"}, {R"("a")"}});
}

TEST(Schema, Patterns) {
  check({R"({"type": "string", "pattern": "^[a-c]+-\\d{2,3}$"})",
         {R"("a-12")", R"("abc-123")", R"("\u0061-12")"},
         {R"("-12")", R"("a-1")", R"("a-1234")", R"("d-12")", R"("xa-12")"}});
  check({R"({"pattern": "b"})", {R"("b")", R"("abc")"}, {R"("a")", R"("")", "3"}});
  check({R"({"pattern": "^a|b$"})", {R"("ax")", R"("xb")", R"("a")"}, {R"("xa")", R"("bx")"}});
  check({R"({"pattern": "^(?:ab?)*$"})", {R"("")", R"("aab")"}, {R"("b")", R"("abb")"}});
  check(
      {R"({"pattern": "^[^\\s\"]{2}$"})", {R"("ab")", "\"\xC3\xA9x\""}, {R"("a ")", R"("a\"")", R"("abc")"}});
  check({R"({"pattern": "^.$"})",
         {R"("a")", R"("\"")", "\"\xF0\x9F\x98\x80\""},
         {R"("\n")", R"("")", R"("ab")"}});
  check({R"({"pattern": "^[a-z]*$", "minLength": 2, "maxLength": 3})",
         {R"("ab")", R"("abc")"},
         {R"("a")", R"("abcd")"}});
  check({R"({"pattern": "^a{2,}?b+?c??$"})", {R"("aab")", R"("aaabbc")"}, {R"("ab")"}});
  check({R"({"pattern": "^[\\u{1F600}-\\u{1F602}]$"})",
         {R"("\ud83d\ude01")", "\"\xF0\x9F\x98\x80\""},
         {R"("\ud83d\ude03")"}});
}

TEST(Schema, Formats) {
  const auto string = [](const char* format) {
    return std::string(R"({"type": "string", "format": ")") + format + "\"}";
  };
  check({string("date"),
         {R"("2024-02-29")", R"("2000-02-29")", R"("1999-12-31")"},
         {R"("2023-02-29")", R"("1900-02-29")", R"("2023-04-31")", R"("2023-13-01")", R"("23-01-01")"}});
  check({string("time"), {R"("23:59:59Z")", R"("00:00:00.123+05:30")"}, {R"("24:00:00Z")", R"("12:00:00")"}});
  check(
      {string("date-time"), {R"("2026-11-25T01:02:03Z")"}, {R"("2026-11-25 01:02:03Z")", R"("2026-11-25")"}});
  check({string("uuid"),
         {R"("123e4567-e89b-12d3-a456-426614174000")"},
         {R"("123e4567e89b12d3a456426614174000")"}});
  check({string("ipv4"),
         {R"("0.0.0.0")", R"("255.10.1.99")"},
         {R"("256.1.1.1")", R"("1.1.1")", R"("01.1.1.1")"}});
  check({string("ipv6"),
         {R"("::")", R"("::1")", R"("fe80::1:2")", R"("1:2:3:4:5:6:7:8")", R"("1::")"},
         {R"("1:2:3")", R"("1::2::3")", R"("1:2:3:4:5:6:7:8:9")", R"("12345::")"}});
  check({string("email"), {R"("a.b@example.org")"}, {R"("a@")", R"("@b.org")", R"("a b@c.org")"}});
  check({string("hostname"), {R"("a-b.example")"}, {R"("-a")", R"("a..b")"}});
  check({string("duration"),
         {R"("P1Y2M3DT4H5M6S")", R"("PT1M")", R"("P2W")"},
         {R"("P")", R"("PT")", R"("P1S")"}});
  check({string("uri"), {R"("https://a.org/x?y=1#z")"}, {R"("a.org")", R"("https://")"}});
  check({R"({"type": "integer", "format": "int32"})",
         {"2147483647", "-2147483648"},
         {"2147483648", "-2147483649"}});
}

TEST(Schema, Numbers) {
  check({R"({"type": "integer"})",
         {"0", "-1", "10", "999999999999999999"},
         {"-0", "01", "1.0", "1e3", "+1", "", "-", "1000000000000000000"}});
  check({R"({"type": "number"})",
         {"0", "-0", "-0.5", "1.25", "1e9", "2E-07", "1.5e+3"},
         {"01", ".5", "1.", "1e", "1e100", "NaN", "Infinity", "--1"}});
  check({R"({"type": "integer", "minimum": -12, "maximum": 105})",
         {"-12", "-9", "0", "7", "99", "100", "105"},
         {"-13", "-20", "-100", "106", "110", "200", "1000"}});
  check({R"({"type": "integer", "exclusiveMinimum": 9, "exclusiveMaximum": 11})",
         {"10"},
         {"9", "11", "1", "100"}});
  check({R"({"type": "number", "minimum": 0, "maximum": 1})",
         {"0", "0.5", "1", "1.0", "1.000", "-0", "-0.0"},
         {"-0.1", "1.01", "2", "10", "-1", "1e-2"}});
  check({R"({"type": "number", "exclusiveMinimum": 0.25, "maximum": 1.5})",
         {"0.26", "0.251", "1", "1.5", "1.50"},
         {"0.25", "0.250", "0.2", "1.51", "1.500001", "0"}});
  check({R"({"type": "number", "minimum": -1.5, "exclusiveMaximum": -0.25})",
         {"-1.5", "-1", "-0.26", "-0.3"},
         {"-1.51", "-0.25", "0", "-2"}});
  check({R"({"type": "number", "maximum": 0, "minimum": 0})", {"0", "-0", "0.00"}, {"1", "0.1", "-0.1"}});
}

TEST(Schema, Multiples) {
  check({R"({"type": "integer", "multipleOf": 7, "minimum": 1})", {"7", "14", "700"}, {"0", "1", "8", "-7"}});
  check({R"({"type": "number", "multipleOf": 0.01})", {"1", "1.2", "1.25", "-3.00"}, {"1.255", "1e2"}});
}

TEST(Schema, ListsOfValues) {
  check({R"({"enum": ["red", "green", 3, null, true, [1, "a"], {"k": 1.5}]})",
         {R"("red")", "3", "null", "true", R"([1,"a"])", R"([1, "a"])", R"({"k":1.5})", "{\n  \"k\": 1.5\n}"},
         {R"("re")", R"("blue")", "false", "33", "[1]", R"({"k":1})", "{}"}});
  check({R"({"type": "string", "enum": ["a", 1]})", {R"("a")"}, {"1"}});
  check({R"({"const": "x\"\u00e9\n"})", {"\"x\\\"\xC3\xA9\\n\""}, {R"("x")"}});
  check({R"({"type": ["integer", "null"]})", {"3", "null"}, {"3.5", "\"\""}});
  check({R"({"type": "boolean"})", {"true", "false"}, {"null", "True"}});
}

TEST(Schema, Arrays) {
  check({R"({"type": "array", "items": {"type": "integer"}})",
         {"[]", "[1]", "[1,2]", "[1, 2]", "[\n  1,\n  2\n]", "[ 1 ]", "[\r\n\t1\r\n]"},
         {"[1 ,2]", "[1,]", "[,1]", "[1,  2]", "[\"a\"]", "[1", "[\n\n1]"}});
  check({R"({"items": {"const": 1}, "minItems": 2, "maxItems": 3})",
         {"[1,1]", "[1,1,1]"},
         {"[]", "[1]", "[1,1,1,1]"}});
  check({R"({"items": {"const": 1}, "maxItems": 1})", {"[]", "[1]"}, {"[1,1]"}});
  check({R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}});
  check({R"({"prefixItems": [{"const": 1}, {"const": 2}], "items": false})",
         {"[]", "[1]", "[1,2]"},
         {"[2]", "[1,2,3]"}});
  check(
      {R"({"prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}, "minItems": 2, "maxItems": 4})",
       {"[1,2]", "[1,2,3]", "[1,2,3,3]"},
       {"[1]", "[1,2,2]", "[1,2,3,3,3]"}});
  check({R"({"prefixItems": [{"const": 1}]})", {"[]", "[1]", "[1,{\"a\":[]}]"}, {"[2]"}});
}

TEST(Schema, Objects) {
  check(
      {R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a", "b"],
             "additionalProperties": false})",
       {R"({"a":1,"b":""})", R"({"a": 1, "b": "x"})", "{\n  \"a\": 1,\n  \"b\": \"\"\n}"},
       {"{}", R"({"a":1})", R"({"b":"","a":1})", R"({"a":1,"b":"","c":1})", R"({"a" :1,"b":""})",
        R"({"a":"1","b":""})"}});
  check({R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": ["b"]})",
         {R"({"b":2})", R"({"a":1,"b":2})", R"({"b":2,"c":3})", R"({"a":1,"b":2,"c":3})"},
         {"{}", R"({"a":1})", R"({"a":1,"c":3})", R"({"b":2,})", R"({,"b":2})"}});
  check({R"({"properties": {"a": {"const": 1}}})",
         {"{}", "{ }", R"({"a":1})"},
         {R"({"b":1})", R"({"a":1,"a":1})"}});
  check({R"({"properties": {"a": {"const": 1}}, "additionalProperties": {"type": "integer"}})",
         {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2,"c":3})", R"({"aa":2})", R"({"":2})"},
         {R"({"a":2})", R"({"\u0061":2})", R"({"b":"x"})", R"({"b":2,"a":1})"}});
  check({R"({"additionalProperties": {"type": "null"}, "minProperties": 1, "maxProperties": 2})",
         {R"({"a":null})", R"({"a":null,"b":null})"},
         {"{}", R"({"a":null,"b":null,"c":null})"}});
  check({R"({"required": ["x"], "additionalProperties": {"type": "integer"}})",
         {R"({"x":1})", R"({"x":1,"y":2})"},
         {"{}", R"({"y":2})", R"({"x":""})"}});
  check({R"({"type": "object"})", {"{}", R"({"a":[1,{"b":null}],"c":"d"})"}, {"[]", "1"}});
  check({R"({"properties": {"a": false, "b": {"const": 1}}, "additionalProperties": true})",
         {R"({"b":1,"c":[]})", R"({"c":3})"},
         {R"({"a":1})", R"({"b":2})"}});
}

TEST(Schema, Alternatives) {
  check({R"({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]})",
         {"1", R"(["a"])"},
         {"[1]", "1.5"}});
  check(
      {R"({"oneOf": [{"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
                       {"properties": {"kind": {"const": "b"}, "x": {"type": "string"}}, "required": ["kind", "x"]}]})",
       {R"({"kind":"a","x":1})", R"({"kind":"b","x":"1"})"},
       {R"({"kind":"a","x":"1"})", R"({"kind":"b","x":1})"}});
  check(
      {R"({"type": "object", "properties": {"a": {"const": 1}}, "anyOf": [{"required": ["a"]}, {"properties": {"b": {"const": 2}}, "required": ["b"]}]})",
       {R"({"a":1})", R"({"a":1,"b":2})", R"({"b":2})"},
       {"{}"}});
  check({R"({"allOf": [{"properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]},
                       {"properties": {"a": {"maximum": 5}, "b": {"const": 1}}}]})",
         {R"({"a":4})", R"({"a":3,"b":1})"},
         {R"({"a":2})", R"({"a":6})", "{}"}});
  check(
      {R"({"allOf": [{"properties": {"a": {"const": 1}}, "additionalProperties": false}, {"properties": {"b": {"const": 1}}}]})",
       {"{}", R"({"a":1})"},
       {R"({"b":1})"}});
  check({R"({"allOf": [{"type": ["string", "integer"]}, {"type": ["number", "null"]}]})",
         {"3"},
         {"3.5", "null", "\"\""}});
}

TEST(Schema, References) {
  check(
      {R"({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"},
             "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["v", "kids"]}}})",
       {R"({"v":1,"kids":[]})", R"({"v":1,"kids":[{"v":2,"kids":[{"v":3,"kids":[]}]}]})"},
       {R"({"v":1})", R"({"v":1,"kids":[1]})"}});
  check({R"({"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#"}, "minItems": 1}]})",
         {"null", "[null]", "[[null],null]"},
         {"[]", "[[]]"}});
  check(
      {R"({"properties": {"a/b": {"$ref": "#/$defs/x~1y", "description": "d"}}, "$defs": {"x/y": {"const": 1}}})",
       {R"({"a/b":1})"},
       {R"({"a/b":2})"}});
  check({R"({"$ref": "#/$defs/n", "minimum": 5, "$defs": {"n": {"type": "integer", "maximum": 7}}})",
         {"5", "7"},
         {"4", "8"}});
}

TEST(Schema, AnyObject) {
  const auto grammar = Grammar::any_json_object();
  EXPECT_TRUE(grammar->matches(R"({"a": [1, -2.5e3, true, null, "x"], "b": {}})"));
  EXPECT_FALSE(grammar->matches("[]"));
  EXPECT_FALSE(grammar->matches(R"({"a": 1} )"));
  EXPECT_FALSE(grammar->matches(R"({"a" 1})"));
}

TEST(Schema, NestingIsBounded) {
  const auto grammar = Grammar::any_json_object();
  const auto nested = [](int depth) {
    return R"({"a":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_TRUE(grammar->matches(nested(50)));
  EXPECT_FALSE(grammar->matches(nested(128)));
}

TEST(Schema, WhatIsNotDoneIsRefusedByName) {
  const auto refuse = [](const char* text, ErrorKind kind, const char* fragment) {
    EXPECT_REFUSED(Grammar::from_json_schema(parse_json(text, "test")), kind, fragment);
  };
  refuse(R"({"not": {}})", ErrorKind::unsupported, "schema: the keyword \"not\"");
  refuse(R"({"properties": {"a": {"patternProperties": {}}}})", ErrorKind::unsupported,
         "schema.properties.a");
  refuse(R"({"type": "array", "uniqueItems": true})", ErrorKind::unsupported, "uniqueItems");
  refuse(R"({"type": "string", "format": "iri"})", ErrorKind::unsupported, "\"iri\"");
  refuse(R"x({"type": "string", "pattern": "(?=a)"})x", ErrorKind::unsupported, "look-around");
  refuse(R"({"type": "string", "pattern": "\\bx"})", ErrorKind::unsupported, "word boundary");
  refuse(R"({"type": "string", "pattern": "(a"})", ErrorKind::bad_input, "without its )");
  refuse(R"({"type": "string", "pattern": "a**"})", ErrorKind::bad_input, "quantifier");
  refuse(R"({"type": "number", "multipleOf": 0.3})", ErrorKind::unsupported, "multipleOf");
  refuse(R"({"type": "number", "multipleOf": 0})", ErrorKind::unsupported, "multipleOf");
  refuse(R"({"enum": ["a"], "minLength": 1})", ErrorKind::unsupported, "beside enum");
  refuse(R"({"$ref": "other.json"})", ErrorKind::unsupported, "$ref");
  refuse(R"({"$ref": "#/$defs/x"})", ErrorKind::bad_input, "nothing is at");
  refuse(R"({"type": "text"})", ErrorKind::bad_input, "no type \"text\"");
  refuse(R"([])", ErrorKind::bad_input, "expected a schema");
  refuse(R"({"minItems": -1})", ErrorKind::bad_input, "minItems");
  refuse(R"({"minLength": 1.5})", ErrorKind::bad_input, "minLength");
  refuse(R"({"properties": {"a": {"type": "string"}}, "maxProperties": 0})", ErrorKind::unsupported,
         "maxProperties");
}

TEST(Schema, WhatNothingSatisfiesIsRefused) {
  for (const char* text : {"false", R"({"enum": []})", R"({"$ref": "#"})",
                           R"({"type": "string", "minLength": 2, "maxLength": 1})",
                           R"({"type": "string", "pattern": "^a$", "minLength": 2})",
                           R"({"type": "integer", "minimum": 5, "maximum": 4})",
                           R"({"type": "number", "exclusiveMinimum": 1, "maximum": 1})",
                           R"({"items": false, "minItems": 1})", R"({"type": "integer", "minimum": 1e30})",
                           R"({"properties": {"x": {"$ref": "#"}}, "required": ["x"]})",
                           R"({"allOf": [{"type": "string"}, {"type": "null"}]})",
                           R"({"type": "integer", "multipleOf": 10, "minimum": 1, "maximum": 9})"}) {
    EXPECT_REFUSED(Grammar::from_json_schema(parse_json(text, "test")), ErrorKind::bad_input,
                   "no document within the limits");
  }
}

TEST(Schema, HostileSchemasAreRefused) {
  const auto refuse = [](const std::string& text) {
    EXPECT_REFUSED(Grammar::from_json_schema(parse_json(text, "test")), ErrorKind::limit, "");
  };
  refuse(R"({"type": "string", "pattern": "^(a|b)*a(a|b){20}$"})");
  refuse(R"x({"type": "string", "pattern": "((((a{100}){100}){100}){100})"})x");
  refuse(R"({"type": "string", "pattern": "a{5000}"})");
  refuse(R"({"type": "string", "pattern": "a", "maxLength": 100000})");
  refuse(R"({"properties": {"x": {"$ref": "#", "type": "object"}}})");
  refuse(R"({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a", "type": "object"})");
}

// 2^40 ways through it, but only 41 definitions.
TEST(Schema, DefinitionsAreCompiledOnce) {
  std::string chain = R"({"$ref": "#/$defs/d0", "$defs": {)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref": "#/$defs/d)" + std::to_string(i + 1) + "\"}";
    chain += "\"d" + std::to_string(i) + R"(": {"properties": {"a": )" + next + R"(, "b": )" + next + "}},";
  }
  chain += R"("d40": {"const": 1}}})";
  EXPECT_TRUE(Grammar::from_json_schema(parse_json(chain, "test"))->matches("{}"));
}

}  // namespace
}  // namespace nestor::grammar
