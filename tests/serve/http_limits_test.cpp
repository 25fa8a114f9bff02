// What the HTTP server does not put up with, and that it holds nobody else up.
#include <gtest/gtest.h>

#include "base/error.h"
#include "client.h"
#include "echo_site.h"
#include "support/refusal.h"

namespace nestor::testing {
namespace {

using namespace std::chrono_literals;

int status_of(std::uint16_t port, std::string_view bytes) {
  Client client(port);
  client.send(bytes);
  return client.read().status;
}

TEST(HttpLimits, MalformedRequestsGetStatus400) {
  EchoServer server;
  for (const std::string bytes :
       {"nonsense\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET a HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n"}) {
    EXPECT_EQ(status_of(server.port(), bytes), 400) << bytes;
  }
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 200);
}

TEST(HttpLimits, HeadersHaveACountAndASize) {
  EchoServer server({.header_bytes = 2048, .header_count = 10});
  std::string nine, eleven;
  for (int i = 0; i < 9; ++i) nine += "x: y\r\n";
  for (int i = 0; i < 11; ++i) eleven += "x: y\r\n";
  EXPECT_EQ(request(server.port(), "GET", "/head", "", nine).status, 200);  // and host
  EXPECT_EQ(request(server.port(), "GET", "/head", "", eleven).status, 431);
  EXPECT_EQ(request(server.port(), "GET", "/head", "", "x: " + std::string(4000, 'y') + "\r\n").status, 431);
  EXPECT_EQ(request(server.port(), "GET", "/" + std::string(4000, 'y')).status, 431);
}

TEST(HttpLimits, BodiesHaveASize) {
  EchoServer server({.body_bytes = 1000});
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(1000, 'x')).status, 200);
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(1001, 'x')).status, 413);
  EXPECT_EQ(status_of(server.port(), "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" +
                                         std::string("400\r\n") + std::string(0x400, 'x') + "\r\n0\r\n\r\n"),
            413);
}

TEST(HttpLimits, BodiesTogetherHaveASize) {
  EchoServer server({.body_bytes = 1000, .bodies_bytes = 1500});
  Client first(server.port());
  first.send(request_text("POST", "/keep", std::string(1000, 'x')));
  const auto exchange = server.site.kept();
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(1000, 'x')).status, 503);
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(400, 'x')).status, 200);
  exchange->respond({});
  EXPECT_EQ(first.read().status, 200);
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(1000, 'x')).status, 200);
}

TEST(HttpLimits, ConnectionsHaveANumber) {
  EchoServer server({.connections = 2});
  Client a(server.port()), b(server.port());
  a.send(request_text("GET", "/head"));
  b.send(request_text("GET", "/head"));
  EXPECT_EQ(a.read().status + b.read().status, 400);
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 503);
}

TEST(HttpLimits, AHeadThatDoesNotComeEndsTheConnection) {
  EchoServer server({.head_time = 50ms});
  Client silent(server.port());
  EXPECT_TRUE(silent.ends());
  Client slow(server.port());
  slow.send("GET /head HTT");
  slow.ends();
}

TEST(HttpLimits, ABodyThatDoesNotComeGetsStatus408) {
  EchoServer server({.body_time = 50ms});
  EXPECT_EQ(status_of(server.port(), "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf"), 408);
}

TEST(HttpLimits, AnIdleConnectionIsClosed) {
  EchoServer server({.idle_time = 50ms});
  Client client(server.port());
  client.send(request_text("GET", "/head"));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.ends());
}

TEST(HttpLimits, AnAnswerThatTakesTooLongIsInterruptedAndCanStillSaySo) {
  EchoServer server({.answer_time = 50ms});
  Client client(server.port());
  client.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  EXPECT_EQ(server.site.interruption(), serve::Interruption::too_late);
  exchange->respond({.status = 504});
  EXPECT_EQ(client.read().status, 504);
}

TEST(HttpLimits, ASlowReaderIsLeftAloneAndThenDropped) {
  EchoServer server({.unread_bytes = 64 << 10, .write_time = 200ms});
  Client slow(server.port());
  slow.receive_little();
  slow.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  exchange->begin({});
  for (int i = 0; i < 2000; ++i) exchange->write(std::string(8192, 'x'));  // more than sockets buffer
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 200);           // nobody waits for it
  EXPECT_EQ(server.site.interruption(), serve::Interruption::client_left);
}

TEST(HttpLimits, AReaderThatStandsStillIsDropped) {
  EchoServer server({.unread_bytes = 1 << 30, .write_time = 100ms});
  Client slow(server.port());
  slow.receive_little();
  slow.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  exchange->begin({});
  for (int i = 0; i < 2000; ++i) exchange->write(std::string(8192, 'x'));
  EXPECT_EQ(server.site.interruption(), serve::Interruption::client_left);
}

TEST(HttpLimits, AnAddressThatCannotBeHadIsAnError) {
  EchoServer server;
  EXPECT_REFUSED(serve::HttpServer({.port = server.port()}), ErrorKind::io,
                 "cannot listen on 127.0.0.1 port");
  EXPECT_REFUSED(serve::HttpServer({.host = "no such host!"}), ErrorKind::usage,
                 "neither an address nor a name");
}

}  // namespace
}  // namespace nestor::testing
