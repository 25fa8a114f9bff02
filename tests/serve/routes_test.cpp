// The table of routes.
#include "serve/routes/routes.h"

#include <gtest/gtest.h>

namespace nestor::serve {
namespace {

std::string path_of(std::string_view method, std::string_view path) {
  const Route* route = find_route(method, path);
  return route == nullptr ? "none" : std::string(route->path);
}

TEST(Routes, EachHasItsMethod) {
  for (const char* path : {"/health", "/metrics", "/v1/models"}) {
    EXPECT_EQ(path_of("GET", path), path);
    EXPECT_EQ(path_of("HEAD", path), path);
    EXPECT_EQ(path_of("POST", path), "none");
  }
  for (const char* path : {"/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"}) {
    EXPECT_EQ(path_of("POST", path), path);
    for (const char* other : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "post"}) {
      EXPECT_EQ(path_of(other, path), "none") << other;
    }
  }
}

TEST(Routes, ASlashAtTheEndStandsForWhatIsBelow) {
  EXPECT_EQ(path_of("GET", "/v1/models/story"), "/v1/models/");
  EXPECT_EQ(path_of("GET", "/v1/models/a/b"), "/v1/models/");
  EXPECT_EQ(path_of("GET", "/v1/models/"), "none");
  EXPECT_EQ(path_of("GET", "/v1/modelsx"), "none");
  EXPECT_EQ(path_of("GET", "/health/"), "none");
  EXPECT_EQ(route_path("/v1/models/story"), "/v1/models/");
  EXPECT_EQ(route_path("/v1/models/"), "");
}

TEST(Routes, OnlyTheHealthNeedsNoKey) {
  EXPECT_EQ(find_route("GET", "/health")->key, Route::Key::none);
  for (const char* path : {"/metrics", "/v1/models", "/v1/models/x"}) {
    EXPECT_EQ(find_route("GET", path)->key, Route::Key::asked_for) << path;
  }
  for (const char* path : {"/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"}) {
    EXPECT_EQ(find_route("POST", path)->key, Route::Key::asked_for) << path;
  }
}

TEST(Routes, WhatIsNowhereIsToldFromAnotherMethod) {
  for (const char* path : {"/", "/nowhere", "/v1/models/", "/v1/completions/", "/detokenize2", ""}) {
    const HttpResponse nothing = no_route(path);
    EXPECT_EQ(nothing.status, 404) << path;
    EXPECT_TRUE(nothing.headers.empty()) << path;
  }
  const HttpResponse wrong = no_route("/v1/models/story");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_NE(wrong.body.find("/v1/models/ takes GET only"), std::string::npos) << wrong.body;
  ASSERT_EQ(wrong.headers.size(), 1U);
  EXPECT_EQ(wrong.headers[0].name, "allow");
  EXPECT_EQ(wrong.headers[0].value, "GET");
}

}  // namespace
}  // namespace nestor::serve
