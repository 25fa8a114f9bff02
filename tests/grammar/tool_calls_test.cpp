// Grammars of tool calls, held against the parser that reads them.
#include <gtest/gtest.h>

#include <random>

#include "base/json.h"
#include "chat/answer_parser.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"
#include "support/refusal.h"
#include "validator.h"

namespace nestor::grammar::testing {
namespace {

const Json& tools() {
  static const Json json = parse_json(R"([
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
      "city": {"type": "string", "minLength": 1, "maxLength": 20}, "days": {"type": "integer", "minimum": 1, "maximum": 9},
      "unit": {"type": "string", "enum": ["C", "F", " bad "]}, "near": {"type": ["string", "null"]},
      "tags": {"type": "array", "items": {"type": "string"}}, "note": {"type": "string"}},
      "required": ["city", "days"], "additionalProperties": false}}},
    {"type": "function", "function": {"name": "now"}}])",
                                      "tools");
  return json;
}

std::string call(const std::string& body) { return "<longcat_tool_call>" + body + "</longcat_tool_call>"; }
std::string pair(const std::string& key, const std::string& value) {
  return "<longcat_arg_key>" + key + "</longcat_arg_key>\n<longcat_arg_value>" + value +
         "</longcat_arg_value>\n";
}

TEST(ToolCalls, OfSomeTool) {
  const auto grammar = Grammar::tool_calls(tools(), {.name = {}, .max_calls = 2});
  const std::string now = call("now\n"), rome = call("weather\n" + pair("city", "Rome") + pair("days", "3"));
  EXPECT_TRUE(grammar->matches(now));
  EXPECT_TRUE(grammar->matches(rome));
  EXPECT_TRUE(grammar->matches(rome + "\n" + now));
  EXPECT_FALSE(grammar->matches(now + "\n" + now + "\n" + now));
  EXPECT_FALSE(grammar->matches(now + now));
  EXPECT_FALSE(grammar->matches(" " + now));
  EXPECT_FALSE(grammar->matches(call("never\n")));
  EXPECT_FALSE(grammar->matches(call("weather\n" + pair("city", "Rome"))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + pair("city", "Rome") + pair("days", "10"))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + pair("city", " Rome") + pair("days", "3"))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + pair("city", "") + pair("days", "3"))));
  const std::string begin = pair("city", "a b\n\"c") + pair("days", "3");
  EXPECT_TRUE(grammar->matches(call("weather\n" + begin + pair("unit", "C") + pair("near", "\"x\""))));
  EXPECT_TRUE(grammar->matches(
      call("weather\n" + begin + pair("near", "null") + pair("tags", "[\"a\"]") + pair("note", ""))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + begin + pair("unit", " bad "))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + begin + pair("near", "x"))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + begin + pair("note", "x</longcat_tool_call>"))));
  EXPECT_FALSE(grammar->matches(call("weather\n" + begin + pair("tags", "[\"</longcat_arg_value>\"]"))));
}

TEST(ToolCalls, OfOneTool) {
  const auto grammar = Grammar::tool_calls(tools(), {.name = "now", .max_calls = 1});
  EXPECT_TRUE(grammar->matches(call("now\n")));
  EXPECT_FALSE(grammar->matches(call("weather\n" + pair("city", "Rome") + pair("days", "3"))));
}

TEST(ToolCalls, AreRefusedByName) {
  const auto refuse = [](const char* function, ErrorKind kind, const char* fragment) {
    const Json list = Json::array({{{"type", "function"}, {"function", parse_json(function, "test")}}});
    EXPECT_REFUSED(Grammar::tool_calls(list, {}), kind, fragment);
  };
  EXPECT_REFUSED(Grammar::tool_calls(tools(), {.name = "never", .max_calls = 1}), ErrorKind::not_found,
                 "\"never\"");
  EXPECT_REFUSED(Grammar::tool_calls(tools(), {.name = {}, .max_calls = 0}), ErrorKind::usage,
                 "at least one");
  EXPECT_REFUSED(Grammar::tool_calls(Json::array(), {}), ErrorKind::bad_input, "tools");
  refuse(R"({"name": " a"})", ErrorKind::unsupported, "cannot be written");
  refuse(R"({"name": "a", "parameters": {"anyOf": []}})", ErrorKind::unsupported, "anyOf");
  refuse(R"({"name": "a", "parameters": {"type": "object", "properties": {"x": {"not": {}}}}})",
         ErrorKind::unsupported, "properties.x");
  refuse(R"({"name": "a", "parameters": {"type": "object", "required": ["x"]}})", ErrorKind::unsupported,
         "required");
}

// With markers that are tokens: only they stand for markers, and what comes out is a call whose arguments
// hold.
TEST(ToolCalls, RandomWalksGiveCallsThatCanBeRead) {
  std::mt19937 random(8);
  const auto vocabulary = small_vocabulary();
  const auto grammar = Grammar::tool_calls(tools(), {.name = {}, .max_calls = 2});
  const auto controls = control_tokens();
  for (int round = 0; round < 300; ++round) {
    GrammarConstraint constraint(grammar, vocabulary);
    std::string text;
    for (unsigned step = 0;; ++step) {
      ASSERT_LT(step, 3'000U) << text;
      std::vector<std::uint64_t> mask((static_cast<std::size_t>(vocabulary->id_limit()) + 63) / 64, 0);
      constraint.allowed(mask);
      std::vector<TokenId> ids;
      for (TokenId id = 0; id < vocabulary->id_limit(); ++id) {
        if (mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) ids.push_back(id);
      }
      ASSERT_FALSE(ids.empty()) << text;
      // Control and stop tokens have the lowest ids: half the time the text goes on to the next of them.
      const TokenId id = random() % 2 == 0 ? ids.front() : ids[random() % ids.size()];
      constraint.accept(id);
      if (id == kStop) break;
      if (id < 100) {
        text += controls[static_cast<std::size_t>(id - kFirstControl)].bytes;
      } else {
        text += vocabulary->bytes_of(id);
      }
    }
    ASSERT_TRUE(grammar->matches(text)) << text;
    chat::AnswerParser parser((chat::ToolSet(tools())));
    chat::AnswerEvents events = parser.push(text);
    for (const auto& event : parser.finish()) events.push_back(event);
    ASSERT_FALSE(events.empty());
    for (const auto& event : events) {
      const auto* made = std::get_if<chat::ToolCall>(&event);
      ASSERT_NE(made, nullptr) << text;
      if (made->name == "now") {
        EXPECT_EQ(made->arguments, "{}");
      } else {
        const Json& schema = tools()[0]["function"]["parameters"];
        ASSERT_TRUE(satisfies(Json::parse(made->arguments), schema, schema)) << text << "\n"
                                                                             << made->arguments;
      }
    }
  }
}

}  // namespace
}  // namespace nestor::grammar::testing
