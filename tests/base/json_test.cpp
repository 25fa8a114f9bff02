#include "base/json.h"

#include <gtest/gtest.h>

#include "base/error.h"

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

TEST(Json, BrokenTextNamesTheFile) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "nul", "\"\xff\"", "1 2", "{\"a\":1}x"}) {
    EXPECT_EQ(message_of(text).rfind("x.json", 0), 0U) << text;
  }
}

}  // namespace
}  // namespace nestor
