#include "base/json.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json_budget.h"
#include "base/printable.h"
#include "support/refusal.h"

namespace nestor {
namespace {

std::string message_of(std::string_view text) {
  try {
    parse_json(text, "x.json");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::bad_input);
    return e.what();
  }
  return "";
}

TEST(Json, KeepsTheOrderOfKeysAndTheKindOfNumbers) {
  const Json j =
      parse_json(R"({"b": 1, "a": [1.0, 18446744073709551615, -3, true, null, {"c": "x"}]})", "x.json");
  EXPECT_EQ(to_text(j), R"({"b":1,"a":[1.0,18446744073709551615,-3,true,null,{"c":"x"}]})");
  EXPECT_EQ(j.at("a").at(1).get<std::uint64_t>(), 18446744073709551615ULL);
}

TEST(Json, DuplicateKeysAreAnError) {
  EXPECT_NE(message_of(R"({"a": 1, "b": {"a": 1}, "a": 2})").find("\"a\" occurs twice"), std::string::npos);
}

TEST(Json, DeepNestingIsAnErrorAndNotACrash) {
  EXPECT_NE(message_of(std::string(1'000'000, '[')).find("nested deeper"), std::string::npos);
  std::string object;
  for (int i = 0; i < 100'000; ++i) object += R"({"a":)";
  EXPECT_NE(message_of(object).find("nested deeper"), std::string::npos);
}

TEST(Json, TheNumberOfValuesHasALimitWhileTheyAreRead) {
  for (const auto& [text, values] :
       std::vector<std::pair<std::string, std::size_t>>{{"1", 1},
                                                        {"[]", 1},
                                                        {"[1,2]", 3},
                                                        {R"({"a":1,"b":[null,true,"x"],"c":{}})", 7},
                                                        {"[[[]],[[]]]", 5}}) {
    JsonBudget enough{values};
    EXPECT_EQ(parse_json(text, "x.json", enough), parse_json(text, "x.json"));
    EXPECT_EQ(enough.values, 0U) << text;
    JsonBudget few{values - 1};
    EXPECT_REFUSED(parse_json(text, "x.json", few), ErrorKind::limit,
                   fmt::format("x.json: more than {} values", values - 1));
  }
}

TEST(Json, DocumentsTakeFromOneBudget) {
  JsonBudget budget{5};
  parse_json("[1,2]", "a", budget);
  EXPECT_EQ(budget.values, 2U);
  EXPECT_REFUSED(parse_json("[1,2]", "b", budget), ErrorKind::limit, "b: more than 2 values");
}

// What comes behind the limit is not looked at: a small part of this text has been read.
TEST(Json, TooManyValuesEndTheReading) {
  std::string text = "[";
  for (int i = 0; i < 100; ++i) text += "[],";
  JsonBudget budget{10};
  EXPECT_REFUSED(parse_json(text + "this is no JSON", "x.json", budget), ErrorKind::limit,
                 "more than 10 values");
}

TEST(Json, BrokenTextNamesTheFile) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "nul", "\"\xff\"", "1 2", "{\"a\":1}x"}) {
    EXPECT_EQ(message_of(text).rfind("x.json", 0), 0U) << text;
  }
}

TEST(Json, MessagesAreShortAndPrintable) {
  const std::string digits(5000, '7');
  for (const std::string& text : std::initializer_list<std::string>{
           digits, "[1, -" + digits + "]", "{\"a\": " + digits + "e" + digits + "}", "[" + digits + "x]",
           "\"" + digits, "\"\x1B[31m\"",
           "\"\xC2\x9B"
           "31m",
           "[\xC2\x9B]", "{\"a\x01\": 1}"}) {
    const std::string message = message_of(text);
    EXPECT_LT(message.size(), 400U) << message;
    EXPECT_EQ(message, printable(message));
  }
}

}  // namespace
}  // namespace nestor
