// What is done before an answer begins: it ends when nobody waits for the answer, and what takes long is in
// nobody's way.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "echo_site.h"
#include "story_server.h"

namespace nestor::testing {
namespace {

using namespace std::chrono_literals;

/// Prepares for ever, or until it is to stop.
class PreparingSite : public EchoSite {
 public:
  void answer(const std::shared_ptr<serve::Exchange>& exchange) override {
    const auto prepare = [this, exchange] {
      started_ = true;
      started_.notify_all();
      const std::stop_token token = exchange->preparation();
      while (!token.stop_requested()) std::this_thread::sleep_for(1ms);
      ++stopped;
      exchange->respond({.content_type = "text/plain", .body = "stopped"});
    };
    if (exchange->request().path == "/prepare") return prepare();
    if (exchange->request().path == "/defer") return exchange->defer(prepare);
    if (exchange->request().path == "/hold") {
      started_ = true;
      started_.notify_all();
      return released.wait(false);
    }
    if (exchange->request().path == "/throw-later")
      return exchange->defer([] { throw std::runtime_error("thrown later"); });
    EchoSite::answer(exchange);
  }
  void wait_for_start() { started_.wait(false); }

  std::atomic<int> stopped{0};
  std::atomic<bool> released{false};

 private:
  std::atomic<bool> started_{false};
};

struct PreparingServer {
  explicit PreparingServer(serve::HttpOptions options) : http(with_any_port(options)) { http.start(site); }
  ~PreparingServer() { http.stop(); }
  static serve::HttpOptions with_any_port(serve::HttpOptions options) {
    options.port = 0;
    return options;
  }

  PreparingSite site;
  serve::HttpServer http;
};

TEST(Preparation, StopsWhenTheClientHasLeft) {
  for (const char* path : {"/prepare", "/defer"}) {
    PreparingServer server({.workers = 1});
    Client client(server.http.port());
    client.send(request_text("POST", path));
    server.site.wait_for_start();
    client.leave();
    while (server.site.stopped == 0) std::this_thread::sleep_for(1ms);
  }
}

TEST(Preparation, StopsWhenItIsTooLateAndTheClientIsTold) {
  for (const char* path : {"/prepare", "/defer"}) {
    PreparingServer server({.workers = 1, .answer_time = 20ms});
    const Reply reply = request(server.http.port(), "POST", path);
    EXPECT_EQ(reply.status, 504) << path;
    EXPECT_EQ(reply.body, "the time for one request is over");
    while (server.site.stopped == 0) std::this_thread::sleep_for(1ms);
  }
}

// A request that waits for a thread has no more time than others.
TEST(Preparation, WhoWaitsForAThreadIsToldWhenItIsTooLate) {
  PreparingServer server({.workers = 1, .answer_time = 100ms});
  Client client(server.http.port());
  client.send(request_text("POST", "/hold"));
  server.site.wait_for_start();
  EXPECT_EQ(request(server.http.port(), "POST", "/other").status, 504);
  server.site.released = true;
  server.site.released.notify_all();
}

TEST(Preparation, StopsWhenTheServerBeginsToEnd) {
  for (const char* path : {"/prepare", "/defer"}) {
    PreparingServer server({.workers = 1});
    Client client(server.http.port());
    client.send(request_text("POST", path));
    server.site.wait_for_start();
    server.http.stop_accepting();
    EXPECT_EQ(client.read().body, "stopped") << path;
    client.leave();
    EXPECT_TRUE(server.http.wait_until_closed(1min));
  }
}

TEST(Preparation, WhatIsDeferredIsInNobodysWay) {
  PreparingServer server({.workers = 1});
  Client first(server.http.port()), second(server.http.port());
  first.send(request_text("POST", "/defer"));
  second.send(request_text("POST", "/defer"));
  server.site.wait_for_start();
  EXPECT_EQ(request(server.http.port(), "POST", "/other").status, 200);
  EXPECT_EQ(server.site.stopped, 0);
  second.leave();
  first.leave();
  while (server.site.stopped < 2) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(request(server.http.port(), "POST", "/throw-later").status, 500);
}

Json held_to(const Json& schema) {
  return {
      {"prompt", "Once"},
      {"max_tokens", 200},
      {"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "n"}, {"schema", schema}}}}}};
}

/// Too costly at all, after all the steps that there are.
Json costly_schema(int number) {
  const std::string pattern = ".{0,1000}.{0,1000}.{0,1000}.{0,1000}x";
  return {{"type", "string"}, {"pattern", pattern + std::to_string(number)}};
}

TEST(Preparation, ACostlySchemaIsRefusedByName) {
  StoryServer server;
  const auto about = [&](const char* param, const Json& error) {
    EXPECT_EQ(error["param"], param);
    EXPECT_NE(error["message"].get<std::string>().find("steps, most of them for patterns"), std::string::npos)
        << error;
  };
  about("response_format", server.error(400, "/v1/completions", held_to(costly_schema(0))));
  const Json tool = {
      {"type", "function"},
      {"function",
       {{"name", "f"}, {"parameters", {{"type", "object"}, {"properties", {{"a", costly_schema(1)}}}}}}}};
  about("tools", server.error(400, "/v1/chat/completions",
                              {{"messages", Json::array({{{"role", "user"}, {"content", "x"}}})},
                               {"tools", Json::array({tool})},
                               {"tool_choice", "required"}}));
}

TEST(Preparation, ASchemaThatIsCompiledTooLongHasAnErrorOfItsOwn) {
  serve::ServerOptions options;
  options.http.answer_time = 1ms;
  StoryServer server({.options = options});
  const Json error = server.error(504, "/v1/completions", held_to(costly_schema(0)));
  EXPECT_EQ(error["type"], "timeout");
}

// Costly schemas wait for one thread; whoever else comes has the other.
TEST(Preparation, OrdinaryRequestsGoOnBesideCostlySchemas) {
  serve::ServerOptions options;
  options.http.workers = 1;
  StoryServer server({.options = options});
  std::vector<std::unique_ptr<Client>> hostile;
  for (int i = 0; i < 3; ++i) {
    hostile.push_back(std::make_unique<Client>(server.port()));
    hostile.back()->send(request_text("POST", "/v1/completions", to_text(held_to(costly_schema(i)))));
  }
  const auto text = server.ok("/v1/completions", held_to({{"const", "fox"}}))["choices"][0]["text"];
  EXPECT_EQ(text, "\"fox\"");
  const std::string counted = request(server.port(), "GET", "/metrics").body;
  EXPECT_EQ(counted.find("{route=\"/v1/completions\",status=\"400\"} 3"), std::string::npos);
  hostile.pop_back();  // leaves
  for (const auto& client : hostile) EXPECT_EQ(client->read().status, 400);
}

TEST(Preparation, ADrainDoesNotWaitForSchemas) {
  serve::ServerOptions options;
  options.http.workers = 1;
  StoryServer server({.options = options});
  std::vector<std::unique_ptr<Client>> hostile;
  for (int i = 0; i < 4; ++i) {
    hostile.push_back(std::make_unique<Client>(server.port()));
    hostile.back()->send(request_text("POST", "/v1/completions", to_text(held_to(costly_schema(i)))));
  }
  // Behind them: now all are with the thread for what takes long, where the first may be done.
  server.ok("/v1/completions", held_to({{"const", "fox"}}));
  std::thread drain([&] { server.server().drain(5min); });
  int stopped = 0;
  for (const auto& client : hostile) {
    const Reply reply = client->read();
    EXPECT_TRUE(reply.status == 503 || reply.status == 400) << reply.body;
    stopped += reply.status == 503 ? 1 : 0;
  }
  EXPECT_GE(stopped, 2);
  hostile.clear();
  drain.join();
}

/// Strings of many patterns at once: the masks of all of them are more work than a request has.
Json many_patterns() {
  Json schemas = Json::array();
  for (int i = 0; i < 400; ++i) {
    schemas.push_back({{"type", "string"}, {"pattern", fmt::format("^[A-Za-z ]{{{}}}[x-z]", i % 8 + 1)}});
  }
  return {{"type", "array"},
          {"prefixItems", Json::array({{{"const", "a"}}})},
          {"items", {{"anyOf", schemas}}},
          {"minItems", 9}};
}

TEST(Preparation, AnAnswerWhoseFormGoesOnInTooManyWaysEndsAlone) {
  StoryServer server({.pause = 2ms});
  const Json polite = {{"prompt", "Once upon a time"}, {"max_tokens", 60}, {"temperature", 0}};
  const Json alone = server.ok("/v1/completions", polite)["choices"];
  const Json rude = held_to(many_patterns());
  Client streams(server.port()), beside(server.port());
  beside.send(request_text("POST", "/v1/completions", to_text(polite)));
  streams.send(request_text("POST", "/v1/completions", to_text(with(rude, "stream", true))));
  const std::string text = streams.read_until("\"code\":null}}\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(text.find("[DONE]"), std::string::npos);
  EXPECT_NE(text.find("200 OK"), std::string::npos);
  EXPECT_NE(text.find("data: {\"error\":{\"message\":\"the form of the answer can go on in too many ways"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"type\":\"invalid_request_error\""), std::string::npos);
  EXPECT_EQ(parse_json(beside.read().body, "answer")["choices"], alone);
  const Json error = server.error(400, "/v1/completions", rude);
  EXPECT_NE(error["message"].get<std::string>().find("too many ways"), std::string::npos);
}

}  // namespace
}  // namespace nestor::testing
