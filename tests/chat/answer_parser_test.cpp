#include "chat/answer_parser.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/json.h"
#include "support/refusal.h"

namespace nestor::chat {
namespace {

using Begins = AnswerParser::Begins;

const Json& tools() {
  static const Json json = parse_json(R"([
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
      "city": {"type": "string"}, "days": {"type": "integer"}, "places": {"type": "array"}}}}},
    {"type": "function", "function": {"name": "now"}}])",
                                      "tools");
  return json;
}

// Neighbouring deltas of one kind joined, so that only the content counts.
struct Answer {
  std::string text;  // "[c]content[r]reasoning[t]name(arguments)"
  void add(const AnswerEvents& events) {
    for (const AnswerEvent& event : events) {
      if (const auto* content = std::get_if<ContentDelta>(&event)) add("[c]", content->text);
      if (const auto* reasoning = std::get_if<ReasoningDelta>(&event)) add("[r]", reasoning->text);
      if (const auto* call = std::get_if<ToolCall>(&event)) {
        text += "[t]" + call->name + "(" + call->arguments + ")";
        last = "";
      }
    }
  }

 private:
  void add(const std::string& kind, const std::string& piece) {
    EXPECT_FALSE(piece.empty());
    if (last != kind) text += kind;
    text += piece;
    last = kind;
  }
  std::string last;
};

std::string read_whole(const std::string& text, const ToolSet& set, Begins begins = Begins::in_content) {
  AnswerParser parser(set, begins);
  Answer answer;
  answer.add(parser.push(text));
  answer.add(parser.finish());
  return answer.text;
}

std::string call(const std::string& body) { return "<longcat_tool_call>" + body + "</longcat_tool_call>"; }
std::string pair(const std::string& key, const std::string& value) {
  return "<longcat_arg_key>" + key + "</longcat_arg_key>\n<longcat_arg_value>" + value +
         "</longcat_arg_value>\n";
}

struct Case {
  std::string text;
  std::string expected;
};

std::vector<Case> cases() {
  const std::string unknown = call("storm\n" + pair("city", "Rome"));
  return {
      {"", ""},
      {"plain text", "[c]plain text"},
      {"a < b <long> x <longcat_", "[c]a < b <long> x <longcat_"},
      {"ends with blanks \n", "[c]ends with blanks \n"},
      {"<longcat_think>\nHm. So?\n</longcat_think>\n\nYes.", "[r]Hm. So?[c]Yes."},
      {"<longcat_think></longcat_think>Yes", "[c]Yes"},
      {"<longcat_think>not closed ", "[r]not closed"},
      {"stray </longcat_think> stays", "[c]stray </longcat_think> stays"},
      // rule 1: the text before the first call, stripped; blocks follow each other
      {"  Let me see. \n" + call("weather\n" + pair("city", "Rome")) + "\n" + call("now\n") + "\n",
       R"([c]Let me see.[t]weather({"city":"Rome"})[t]now({}))"},
      {call("now") + " and then", "[t]now({})[c]and then"},
      // rule 2: the name ends at a line break, a key or the end
      {call("weather" + pair("city", "Rome")), R"([t]weather({"city":"Rome"}))"},
      {call(" \n now "), "[t]now({})"},
      {call("functions.now"), "[t]now({})"},
      // rule 3: white space or a literal \n between key and value, both stripped
      {call("weather\n<longcat_arg_key> city </longcat_arg_key>\\n \n<longcat_arg_value>\nRome "
            "</longcat_arg_value>"),
       R"([t]weather({"city":"Rome"}))"},
      // rule 4: by the declared type, then JSON, Python, text
      {call("weather\n" + pair("city", "12") + pair("days", "12")), R"([t]weather({"city":"12","days":12}))"},
      {call("weather\n" + pair("days", "True") + pair("places", "['a', (1, 2.5), {'b': None}]")),
       R"([t]weather({"days":true,"places":["a",[1,2.5],{"b":null}]}))"},
      {call("weather\n" + pair("days", "next week") + pair("city", "{\"a\": 1}")),
       R"([t]weather({"days":"next week","city":"{\"a\": 1}"}))"},
      {call("weather\n" + pair("city", "") + pair("days", "")), R"([t]weather({"city":"","days":""}))"},
      // rule 5: the older form
      {call("\n{\"name\": \"weather\", \"arguments\": {\"days\": 3}}\n"), R"([t]weather({"days":3}))"},
      {call("{\"name\": \"functions.now\"}"), "[t]now({})"},
      {call("{\"name\": \"weather\", \"arguments\": \"{\\\"days\\\": 3}\"}"), R"([t]weather({"days":3}))"},
      // rule 6: what is no call stays text
      {"x " + unknown + " y", "[c]x " + unknown + " y"},
      {call(""), "[c]" + call("")},
      {call("{\"name\": \"weather\", \"arguments\": 3}"),
       "[c]" + call("{\"name\": \"weather\", \"arguments\": 3}")},
      {call("{\"name\": \"weather\""), "[c]" + call("{\"name\": \"weather\"")},
      {call("now\n<longcat_arg_key>x</longcat_arg_key>"),
       "[c]" + call("now\n<longcat_arg_key>x</longcat_arg_key>")},
      {call("now\n" + pair("", "x")), "[c]" + call("now\n" + pair("", "x"))},
      {call("now\nand more"), "[c]" + call("now\nand more")},
      {"<longcat_tool_call>now", "[c]<longcat_tool_call>now"},
      {call("now") + " <longcat_tool_call>wea", "[t]now({})[c]<longcat_tool_call>wea"},
      {"<longcat_tool_call>broken off " + call("now"), "[c]<longcat_tool_call>broken off[t]now({})"},
      // calls inside reasoning are reasoning
      {"<longcat_think>" + call("now") + "</longcat_think>" + call("now"),
       "[r]" + call("now") + "[t]now({})"},
      {"\xC3\xA9 <\xE2\x82\xAC" + call("weather\n" + pair("city", "K\xC3\xB6ln")),
       "[c]\xC3\xA9 <\xE2\x82\xAC[t]weather({\"city\":\"K\xC3\xB6ln\"})"},
  };
}

TEST(AnswerParser, FindsReasoningContentAndCalls) {
  for (const Case& c : cases()) EXPECT_EQ(read_whole(c.text, ToolSet(tools())), c.expected) << c.text;
}

TEST(AnswerParser, TheCutsOfTheTextChangeNothing) {
  const ToolSet set(tools());
  for (const Case& c : cases()) {
    for (std::size_t a = 0; a <= c.text.size(); ++a) {
      for (std::size_t b = a; b <= c.text.size(); b += 1 + (b - a) / 8) {
        AnswerParser parser(set);
        Answer answer;
        answer.add(parser.push(std::string_view(c.text).substr(0, a)));
        answer.add(parser.push(std::string_view(c.text).substr(a, b - a)));
        answer.add(parser.push(std::string_view(c.text).substr(b)));
        answer.add(parser.finish());
        ASSERT_EQ(answer.text, c.expected) << c.text << " cut at " << a << ", " << b;
      }
    }
    AnswerParser parser(set);
    Answer answer;
    for (const char& byte : c.text) answer.add(parser.push({&byte, 1}));
    answer.add(parser.finish());
    ASSERT_EQ(answer.text, c.expected);
  }
}

TEST(AnswerParser, RandomTextInRandomPieces) {
  const std::vector<std::string> words = {"<longcat_think>",
                                          "</longcat_think>",
                                          "<longcat_tool_call>",
                                          "</longcat_tool_call>",
                                          "<longcat_arg_key>",
                                          "</longcat_arg_key>",
                                          "<longcat_arg_value>",
                                          "</longcat_arg_value>",
                                          "now",
                                          "weather",
                                          "city",
                                          "\n",
                                          " ",
                                          "<long",
                                          "</",
                                          "x",
                                          "{\"name\":",
                                          "\"now\"}",
                                          "\\n"};
  std::mt19937 random(5);
  const ToolSet set(tools());
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (unsigned n = random() % 14; n > 0; --n) text += words[random() % words.size()];
    const Begins begins = random() % 2 == 0 ? Begins::in_content : Begins::in_reasoning;
    AnswerParser parser(set, begins);
    Answer answer;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = 1 + random() % 25;
      answer.add(parser.push(std::string_view(text).substr(at, length)));
      at += length;
    }
    answer.add(parser.finish());
    ASSERT_EQ(answer.text, read_whole(text, set, begins)) << text;
  }
}

TEST(AnswerParser, ContentComesAtOnce) {
  AnswerParser parser((ToolSet(tools())));
  EXPECT_EQ(parser.push("Hello"), (AnswerEvents{ContentDelta{"Hello"}}));
  EXPECT_EQ(parser.push(" wor"), (AnswerEvents{ContentDelta{" wor"}}));
  EXPECT_EQ(parser.push("ld <"), (AnswerEvents{ContentDelta{"ld"}}));
  EXPECT_EQ(parser.push("b"), (AnswerEvents{ContentDelta{" <b"}}));
}

TEST(AnswerParser, WithoutToolsNothingIsACall) {
  EXPECT_EQ(read_whole(" x " + call("now"), {}), "[c] x " + call("now"));
}

TEST(AnswerParser, ThePromptMayHaveBegunTheReasoning) {
  EXPECT_EQ(read_whole("\nwell\n</longcat_think>\nyes", {}, Begins::in_reasoning), "[r]well[c]yes");
}

TEST(ToolSet, RefusesWhatIsNoListOfTools) {
  const auto refuse = [](const char* text, ErrorKind kind, const char* fragment) {
    EXPECT_REFUSED(ToolSet(parse_json(text, "test")), kind, fragment);
  };
  refuse("{}", ErrorKind::bad_input, "expected a list");
  refuse("[1]", ErrorKind::bad_input, "tools[0]: expected an object");
  refuse(R"([{"type": "retrieval"}])", ErrorKind::unsupported, "tools[0].type");
  refuse(R"([{"type": "function"}])", ErrorKind::bad_input, "tools[0].function");
  refuse(R"([{"function": {"name": ""}}])", ErrorKind::bad_input, "tools[0].function.name");
  refuse(R"([{"function": {"name": "a"}}, {"function": {"name": "a"}}])", ErrorKind::bad_input,
         "declared twice");
}

}  // namespace
}  // namespace nestor::chat
