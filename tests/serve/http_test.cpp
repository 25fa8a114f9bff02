// The HTTP server over real sockets: framing, and that requests which go on are answered as they came.
#include <gtest/gtest.h>

#include "client.h"
#include "echo_site.h"

namespace nestor::testing {
namespace {

using serve::Interruption;

TEST(Http, AnswersWithLengthAndKeepsTheConnection) {
  EchoServer server;
  Client client(server.port());
  for (const std::string body : {"first", "second", ""}) {
    client.send(request_text("POST", "/a/b?x=1", body));
    const Reply reply = client.read();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "POST /a/b?x=1 " + body);
    EXPECT_EQ(reply.headers.at("connection"), "keep-alive");
    EXPECT_EQ(reply.headers.at("x-path"), "/a/b");
  }
}

TEST(Http, RequestsThatComeTogetherAreAnsweredInOrder) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("POST", "/1", "a") + request_text("POST", "/2", "b") +
              request_text("GET", "/head"));
  EXPECT_EQ(client.read().body, "POST /1? a");
  EXPECT_EQ(client.read().body, "POST /2? b");
  EXPECT_EQ(client.read().body, "early");
}

TEST(Http, ARequestMayComeByteByByte) {
  EchoServer server;
  Client client(server.port());
  for (const char c : request_text("POST", "/slow", "body")) client.send(std::string_view(&c, 1));
  EXPECT_EQ(client.read().body, "POST /slow? body");
}

TEST(Http, AChunkedBodyIsRead) {
  EchoServer server;
  Client client(server.port());
  client.send(
      "POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().body, "POST /c? abcde");
}

TEST(Http, AStreamIsChunkedOrEndsWithTheConnection) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("GET", "/stream"));
  EXPECT_EQ(client.read().body, "one two three");
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  const Reply reply = client.read();
  EXPECT_EQ(reply.body, "one two three");
  EXPECT_FALSE(reply.headers.contains("transfer-encoding"));
  EXPECT_EQ(reply.headers.at("connection"), "close");
}

TEST(Http, HeadSendsNoBody) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("HEAD", "/head"));
  EXPECT_EQ(client.read(true).headers.at("content-length"), "5");
  client.send(request_text("GET", "/head"));
  EXPECT_EQ(client.read().body, "early");
}

TEST(Http, AClientThatAsksFirstIsToldToGoOn) {
  EchoServer server;
  Client client(server.port());
  client.send("POST /e HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(client.read().body, "POST /e? ok");
}

TEST(Http, WhatNobodyAnswersIsAnError) {
  EchoServer server;
  EXPECT_EQ(request(server.port(), "GET", "/drop").status, 500);
  const Reply thrown = request(server.port(), "GET", "/throw");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body, "the request could not be answered");
  const auto records = server.site.records(2);
  EXPECT_EQ(records[1].notes, (std::vector<std::pair<std::string, std::string>>{{"error", "thrown"}}));
}

TEST(Http, AnEarlyAnswerToAnUnreadBodyArrivesAndClosesTheConnection) {
  EchoServer server;
  Client client(server.port());
  client.send("POST /head HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + std::string(500000, 'x'));
  EXPECT_EQ(client.read().body, "early");
  EXPECT_TRUE(client.ends());
}

TEST(Http, SeesAClientLeaveThatWaitsForItsAnswer) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  client.leave();
  EXPECT_EQ(server.site.interruption(), Interruption::client_left);
  exchange->respond({.body = "too late"});  // nothing happens
  EXPECT_FALSE(server.site.records(1)[0].complete);
}

TEST(Http, SeesAClientLeaveThatHasSentItsNextRequestAlready) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("POST", "/keep", "x") + request_text("POST", "/next", "y"));
  server.site.kept();
  client.leave();
  EXPECT_EQ(server.site.interruption(), Interruption::client_left);
}

TEST(Http, SeesAClientLeaveInTheMiddleOfAStream) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  exchange->begin({.body = "piece"});
  client.read_until("piece");
  client.leave();
  EXPECT_EQ(server.site.interruption(), Interruption::client_left);
}

TEST(Http, AnInterruptionIsToldToWhoAsksAfterIt) {
  EchoServer server;
  Client client(server.port());
  client.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  client.leave();
  server.site.records(1);
  std::mutex mutex;
  std::condition_variable told;
  bool interrupted = false;
  exchange->on_interruption([&](Interruption) {
    const std::lock_guard lock(mutex);
    interrupted = true;
    told.notify_all();
  });
  std::unique_lock lock(mutex);
  ASSERT_TRUE(told.wait_for(lock, std::chrono::seconds(10), [&] { return interrupted; }));
}

TEST(Http, RecordsWhatBecameOfARequest) {
  EchoServer server;
  request(server.port(), "POST", "/note", "12345");
  const auto record = server.site.records(1)[0];
  EXPECT_EQ(record.method, "POST");
  EXPECT_EQ(record.path, "/note");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.bytes_in, 5u);
  EXPECT_GT(record.bytes_out, 5u);
  EXPECT_TRUE(record.complete);
  EXPECT_EQ(record.peer, "127.0.0.1");
}

TEST(Http, EndsIdleConnectionsAtOnceAndOthersAfterTheirAnswer) {
  EchoServer server;
  Client idle(server.port());
  idle.send(request_text("GET", "/head"));
  idle.read();
  Client busy(server.port());
  busy.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  server.http().stop_accepting();
  EXPECT_TRUE(idle.ends());
  exchange->respond({.body = "still"});
  const Reply reply = busy.read();
  EXPECT_EQ(reply.body, "still");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(busy.ends());
  EXPECT_TRUE(server.http().wait_until_closed(std::chrono::minutes(1)));
}

}  // namespace
}  // namespace nestor::testing
