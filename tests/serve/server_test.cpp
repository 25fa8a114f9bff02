// The server around the endpoints: routes, keys, clients that leave, being busy, and how it ends.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>

#include "story_server.h"

namespace nestor::testing {
namespace {

using namespace std::chrono_literals;

const Json kLong = {
    {"prompt", "Once upon a time"}, {"max_tokens", 2000}, {"ignore_eos", true}, {"temperature", 0}};

Json streaming(const Json& body) { return with(body, "stream", true); }

TEST(Server, RoutesAndMethods) {
  StoryServer server;
  EXPECT_EQ(request(server.port(), "GET", "/health").body, R"({"status":"ok"})");
  for (const char* method : {"GET", "POST", "OPTIONS"}) {
    EXPECT_EQ(request(server.port(), method, "/nowhere").status, 404) << method;
  }
  const Reply wrong = request(server.port(), "GET", "/v1/completions");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "POST");
  EXPECT_EQ(request(server.port(), "DELETE", "/v1/models").status, 405);
  EXPECT_EQ(request(server.port(), "HEAD", "/v1/completions").status, 405);
  const Json models = parse_json(request(server.port(), "GET", "/v1/models").body, "models");
  EXPECT_EQ(models["data"][0]["id"], "story");
  EXPECT_EQ(models["data"][0]["context_length"], 2048);
  EXPECT_EQ(models["data"][0]["quantization"], "bf16");
  EXPECT_EQ(request(server.port(), "GET", "/v1/models/other%2Dname").status, 200);
  EXPECT_EQ(request(server.port(), "GET", "/v1/models/none").status, 404);
}

TEST(Server, ThePageComesWithItsFilesAndItsPolicy) {
  StoryServer server({.options = {.access = {.api_keys = {"secret"}}}});
  for (const std::string path : {"/", "/page.css", "/page.js", "/conversation.js", "/favicon.svg"}) {
    const Reply reply = request(server.port(), "GET", path);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_GT(reply.body.size(), 100u) << path;
    EXPECT_NE(reply.headers.at("content-security-policy").find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(reply.body.find("//cdn"), std::string::npos);
  }
}

TEST(Server, RowsOfTablesAreCountedByTier) {
  StoryServer server;
  server.ok("/v1/completions", {{"prompt", "Once upon a time"}, {"max_tokens", 5}});
  server.wait_for("requests_finished_total{reason=\"length\"}", 1);
  const auto rows = [&](const std::string& name) {
    double sum = 0;
    for (const char* tier : {"memory", "disk", "unknown"})
      sum += server.metric(name + "{tier=\"" + tier + "\"}");
    return sum;
  };
  const double tokens = server.metric("prefill_tokens_total") + server.metric("decode_tokens_total");
  EXPECT_EQ(rows("word_rows_total"), tokens);
  EXPECT_EQ(rows("ngram_rows_total"), 6 * tokens);  // two tables each of pairs, triples and quadruples
}

TEST(Server, AKeyIsAskedForBeforeTheBodyIsRead) {
  StoryServer server({.options = {.access = {.api_keys = {"secret"}}}});
  EXPECT_EQ(request(server.port(), "GET", "/health").status, 200);
  EXPECT_EQ(request(server.port(), "GET", "/metrics").status, 401);
  Client client(server.port());
  client.send("POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 30000000\r\n\r\n");
  EXPECT_EQ(client.read().status, 401);
  EXPECT_EQ(
      server.post("/v1/completions", {{"prompt", "x"}, {"max_tokens", 1}}, "authorization: Bearer secret\r\n")
          .status,
      200);
}

TEST(Server, OtherSitesGetNothing) {
  StoryServer server;
  EXPECT_EQ(server.post("/tokenize", {{"prompt", "x"}}, "origin: https://evil.example\r\n").status, 403);
  StoryServer open({.options = {.access = {.cors_origins = {"https://chat.example"}}}});
  const Reply reply = open.post("/tokenize", {{"prompt", "x"}}, "origin: https://chat.example\r\n");
  EXPECT_EQ(reply.headers.at("access-control-allow-origin"), "https://chat.example");
}

TEST(Server, MetricsCountWhatHappened) {
  StoryServer server;
  server.ok("/v1/completions", {{"prompt", "x"}, {"max_tokens", 5}, {"ignore_eos", true}});
  server.logged("path=/v1/completions status=200");
  server.wait_for("requests_finished_total{reason=\"length\"}", 1);  // as of the next forward
  EXPECT_EQ(server.metric("generated_tokens_total"), 5);
  EXPECT_EQ(server.metric("time_to_first_token_seconds_count"), 1);
  EXPECT_EQ(server.metric("http_responses_total{route=\"/v1/completions\",status=\"200\"}"), 1);
}

TEST(Server, TheLogTellsOfARequest) {
  StoryServer server;
  server.ok("/v1/completions", {{"prompt", "x"}, {"max_tokens", 5}, {"ignore_eos", true}});
  const std::string line = server.logged("path=/v1/completions status=200");
  for (const char* part :
       {" info request peer=127.0.0.1 method=POST", "completion_tokens=5", "first_token_seconds="}) {
    EXPECT_NE(line.find(part), std::string::npos) << line;
  }
}

TEST(Server, AClientThatLeavesStopsItsRequests) {
  StoryServer server({.pause = 10ms});
  Client streams(server.port());
  streams.send(request_text("POST", "/v1/completions", to_text(streaming(kLong))));
  streams.read_until("data: ");
  Client waits(server.port());
  Json four = kLong;
  four["n"] = 4;
  waits.send(request_text("POST", "/v1/completions", to_text(four)));
  server.wait_for("requests_running", 5);
  streams.leave();
  waits.leave();
  server.wait_for_at_most("requests_running", 0);
  EXPECT_EQ(server.metric("requests_finished_total{reason=\"cancelled\"}"), 5);
}

TEST(Server, WhoComesWhenAllPlacesAreTakenIsToldWhenToComeAgain) {
  serve::ServerOptions options;
  options.engine.scheduler.running = 1;
  options.engine.most_waiting = 1;
  StoryServer server({.options = options, .pause = 10ms});
  Client runs(server.port());
  runs.send(request_text("POST", "/v1/completions", to_text(streaming(kLong))));
  runs.read_until("data: ");
  Client waits(server.port());
  waits.send(request_text("POST", "/v1/completions", to_text(kLong)));
  server.wait_for("requests_waiting", 1);
  const Reply refused = server.post("/v1/completions", kLong);
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_GE(std::stoi(refused.headers.at("retry-after")), 1);
}

// One request is admitted whole or not at all.
TEST(Server, ARequestOfManyAnswersNeedsOnePlaceInLine) {
  serve::ServerOptions options;
  options.engine.scheduler.running = 1;
  options.engine.most_waiting = 2;
  StoryServer server({.options = options, .pause = 10ms});
  EXPECT_EQ(server.ok("/v1/completions", {{"prompt", "x"}, {"max_tokens", 1}, {"n", 40}})["choices"].size(),
            40U);
  Json many = kLong;
  many["n"] = 40;
  Client waits(server.port());
  waits.send(request_text("POST", "/v1/completions", to_text(many)));
  server.wait_for("requests_waiting", 39);
  EXPECT_EQ(server.post("/v1/completions", many).status, 429);
  waits.leave();
  server.wait_for_at_most("requests_running", 0);
  server.wait_for_at_most("requests_waiting", 0);
}

TEST(Server, DrainingFinishesWhatWasBegun) {
  StoryServer server({.pause = 10ms});
  Client client(server.port());
  Json body = streaming(kLong);
  body["max_tokens"] = 100;
  client.send(request_text("POST", "/v1/completions", to_text(body)));
  const std::string begun = client.read_until("\n\n");
  server.server().drain(5min);
  const std::string rest = client.read_until("[DONE]");
  EXPECT_TRUE(rest.ends_with("[DONE]"));
  EXPECT_NE(rest.find("\"finish_reason\":\"length\""), std::string::npos);
}

TEST(Server, ADrainThatTakesTooLongEndsWithAnError) {
  StoryServer server({.pause = 10ms});
  Client client(server.port());
  client.send(request_text("POST", "/v1/completions", to_text(streaming(kLong))));
  client.read_until("data: ");
  server.server().drain(0ms);
  EXPECT_TRUE(client.read_until("the server is shutting down").ends_with("the server is shutting down"));
}

// A body in chunks might become as large as any; what it did not become is free for others.
TEST(Server, SmallBodiesInChunksLeaveRoomForOthers) {
  serve::ServerOptions options;
  options.http.body_bytes = 1U << 20;
  options.http.bodies_bytes = 2U << 20;
  StoryServer server({.options = options, .pause = 10ms});
  const std::string body = to_text(streaming(kLong));
  const std::string chunked = fmt::format(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
      body.size(), body);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(chunked);
    EXPECT_NE(clients.back()->read_until("data: ").find("200 OK"), std::string::npos) << i;
  }
}

TEST(Server, ADrainDoesNotWaitForBodies) {
  StoryServer server;
  Client client(server.port());
  client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  server.wait_for("http_connections", 2);  // with the one that asks
  std::thread drain([&] { server.server().drain(5min); });
  EXPECT_EQ(client.read().status, 503);
  client.leave();
  drain.join();
}

TEST(Server, EndsWhileClientsWait) {
  std::optional<StoryServer> server(std::in_place, StoryServer::Setup{.pause = 10ms});
  Client client(server->port());
  client.send(request_text("POST", "/v1/completions", to_text(streaming(kLong))));
  client.read_until("data: ");
  server.reset();
  EXPECT_TRUE(client.ends());
}

}  // namespace
}  // namespace nestor::testing
