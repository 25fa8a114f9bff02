// --set key=value
#include <gtest/gtest.h>

#include "recipe/recipe_json.h"
#include "support/refusal.h"

namespace nestor::recipe {
namespace {

Json with(Json json, const std::string& assignment) {
  apply_override(json, assignment);
  return json;
}

TEST(Override, ValuesAreJsonOrText) {
  EXPECT_EQ(with(Json::object(), "a=1"), Json({{"a", 1}}));
  EXPECT_EQ(with(Json::object(), "a=1e-3"), Json({{"a", 0.001}}));
  EXPECT_EQ(with(Json::object(), "a=true"), Json({{"a", true}}));
  EXPECT_EQ(with(Json::object(), "a=[\"x\", \"y\"]"), Json({{"a", {"x", "y"}}}));
  EXPECT_EQ(with(Json::object(), "a=wsd"), Json({{"a", "wsd"}}));
  EXPECT_EQ(with(Json::object(), "a=/path/with=sign"), Json({{"a", "/path/with=sign"}}));
  EXPECT_EQ(with(Json::object(), "a="), Json({{"a", ""}}));
}

TEST(Override, PathsReachInsideAndMakeSections) {
  EXPECT_EQ(with({{"a", {{"b", 1}, {"c", 2}}}}, "a.b=3"), Json({{"a", {{"b", 3}, {"c", 2}}}}));
  EXPECT_EQ(with(Json::object(), "a.b.c=3"), Json({{"a", {{"b", {{"c", 3}}}}}}));
}

TEST(Override, NonsenseIsRefused) {
  EXPECT_REFUSED(with(Json::object(), "steps"), ErrorKind::usage, "expected key=value");
  EXPECT_REFUSED(with(Json::object(), "=3"), ErrorKind::usage, "expected key=value");
  EXPECT_REFUSED(with({{"a", 1}}, "a.b=3"), ErrorKind::usage, "\"a\" is no section");
}

}  // namespace
}  // namespace nestor::recipe
