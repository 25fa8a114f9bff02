// Keys, and what other web sites may do.
#include "serve/access.h"

#include <gtest/gtest.h>

#include "support/refusal.h"

namespace nestor::serve {
namespace {

HttpRequest head(std::vector<Header> headers, std::string method = "POST") {
  return {.method = std::move(method),
          .path = "/",
          .query = "",
          .headers = std::move(headers),
          .body = "",
          .peer = ""};
}

TEST(Access, AKeyIsAskedForOnlyWhereThereAreSome) {
  EXPECT_FALSE(Access({}).refuse_key(head({})));
  const Access access({.api_keys = {"first", "second"}});
  EXPECT_FALSE(access.refuse_key(head({{"Authorization", "Bearer second"}})));
  for (const std::string wrong :
       {"", "Bearer ", "Bearer firs", "Bearer first1", "Bearer FIRST", "Basic first"}) {
    const auto refused = access.refuse_key(head({{"Authorization", wrong}}));
    ASSERT_TRUE(refused) << wrong;
    EXPECT_EQ(refused->status, 401);
    EXPECT_NE(refused->body.find("invalid_api_key"), std::string::npos);
  }
  EXPECT_EQ(access.refuse_key(head({}))->status, 401);
  EXPECT_FALSE(access.refuse_key(head({{"Authorization", "bearer second"}})));
}

TEST(Access, AnEmptyKeyIsRefusedAtTheStart) {
  EXPECT_REFUSED(Access({.api_keys = {"secret", ""}}), ErrorKind::usage, "an API key is empty");
}

TEST(Access, OtherSitesAreRefusedUnlessNamed) {
  const Access closed({});
  EXPECT_FALSE(closed.refuse_site(head({{"host", "localhost:8000"}})));
  EXPECT_FALSE(closed.refuse_site(head({{"host", "127.0.0.1:8000"}, {"origin", "http://127.0.0.1:8000"}})));
  EXPECT_EQ(
      closed.refuse_site(head({{"host", "localhost:8000"}, {"origin", "https://evil.example"}}))->status,
      403);
  EXPECT_EQ(closed.refuse_site(head({{"host", "localhost:8000"}, {"origin", "null"}}))->status, 403);
  const Access named({.cors_origins = {"https://chat.example"}});
  EXPECT_FALSE(named.refuse_site(head({{"host", "localhost"}, {"origin", "https://chat.example"}})));
  EXPECT_EQ(named.refuse_site(head({{"host", "localhost"}, {"origin", "https://evil.example"}}))->status,
            403);
  EXPECT_FALSE(Access({.cors_origins = {"*"}})
                   .refuse_site(head({{"host", "[::1]:80"}, {"origin", "https://x.example"}})));
}

TEST(Access, ANameThatIsNotThisMachinesIsRefusedWhereNoKeyProtects) {
  const auto by_name = head({{"host", "evil.example"}, {"origin", "http://evil.example"}});
  EXPECT_EQ(Access({}).refuse_site(by_name)->status, 403);
  for (const std::string host :
       {"127.evil.example", "127.0.0.1.evil.example:80", "127.1", "localhost.evil"}) {
    EXPECT_EQ(Access({}).refuse_site(head({{"host", host}, {"origin", "http://" + host}}))->status, 403)
        << host;
  }
  for (const std::string host : {"127.0.0.2", "LocalHost:8000", "localhost.", "[::1]:8000"}) {
    EXPECT_FALSE(Access({}).refuse_site(head({{"host", host}}))) << host;
  }
  EXPECT_FALSE(Access({.api_keys = {"k"}}).refuse_site(by_name));
  EXPECT_FALSE(Access({.loopback = false}).refuse_site(by_name));
  EXPECT_FALSE(Access({.cors_origins = {"http://evil.example"}}).refuse_site(by_name));
}

TEST(Access, BrowsersAreToldWhatIsAllowed) {
  const Access access({.cors_origins = {"https://chat.example"}});
  const auto allowed = access.headers(head({{"origin", "https://chat.example"}}));
  ASSERT_EQ(allowed.size(), 3u);
  EXPECT_EQ(allowed[1].value, "https://chat.example");
  EXPECT_EQ(access.headers(head({{"origin", "https://evil.example"}})).size(), 1u);
  EXPECT_TRUE(Access({}).headers(head({{"origin", "https://chat.example"}})).empty());
  EXPECT_EQ(access.preflight(head({{"access-control-request-method", "POST"}}, "OPTIONS"))->status, 204);
  EXPECT_FALSE(access.preflight(head({}, "OPTIONS")));
  const auto fields_for = [&](const std::string& asked) {
    const auto answer = access.preflight(head(
        {{"access-control-request-method", "POST"}, {"access-control-request-headers", asked}}, "OPTIONS"));
    return answer->headers.at(1).value;
  };
  EXPECT_EQ(fields_for("authorization,x-stainless-os"), "authorization,x-stainless-os");
  EXPECT_EQ(fields_for("x\r\nset-cookie: a"), "authorization, content-type");
}

}  // namespace
}  // namespace nestor::serve
