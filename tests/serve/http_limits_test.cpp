// What the HTTP server does not put up with, and that it holds nobody else up.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

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
  EXPECT_EQ(status_of(server.port(), "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" +
                                         std::string("400\r\n") + std::string(0x400, 'x') + "\r\n0\r\n\r\n"),
            413);
}

std::string announced(std::size_t bytes) {
  return "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: " + std::to_string(bytes) + "\r\n\r\n";
}

std::vector<std::unique_ptr<Client>> clients(std::uint16_t port, std::size_t count,
                                             const std::string& bytes) {
  std::vector<std::unique_ptr<Client>> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<Client>(port));
  for (const auto& client : all) client->send(bytes);
  return all;
}

const serve::HttpOptions kPatient = {.body_time = 1h, .body_window = 1h};

TEST(HttpLimits, BodiesThatAreAnnouncedTakeNothingFromOthers) {
  EchoServer server(kPatient);
  for (const std::string& bytes :
       {announced(32U << 20), announced(32U << 20) + "{",
        std::string("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                    "2000000\r\n{")}) {
    const auto slow = clients(server.port(), 64, bytes);
    for (const std::size_t size : {1U, 1000U, 1U << 20, 32U << 20}) {
      EXPECT_EQ(request(server.port(), "POST", "/", std::string(size, 'x')).status, 200) << size;
    }
  }
}

// The slow ones have sent all they could; the oldest of them give way, whoever they are.
TEST(HttpLimits, BodiesThatStopInTheMiddleGiveWay) {
  serve::HttpOptions options = kPatient;
  options.body_bytes = 1U << 20;
  options.bodies_bytes = 4U << 20;
  EchoServer server(options);
  const auto slow = clients(server.port(), 8, announced(1U << 20) + std::string((1U << 20) - 1, 'x'));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(request(server.port(), "POST", "/", std::string(1U << 20, 'x')).status, 200) << i;
  }
  EXPECT_EQ(slow.front()->read().status, 503);
}

// What has come is kept until the site has parsed it.
TEST(HttpLimits, BodiesTogetherHaveASize) {
  EchoServer server({.workers = 1, .body_bytes = 1000, .bodies_bytes = 1500, .client_share = 1});
  Client first(server.port());
  first.send(request_text("POST", "/hold", std::string(1000, 'x')));
  server.site.held();
  const Reply refused = request(server.port(), "POST", "/", std::string(1000, 'x'));
  EXPECT_EQ(refused.status, 503);
  Client small(server.port());
  small.send(request_text("POST", "/", std::string(400, 'x')));
  server.site.release();
  EXPECT_EQ(small.read().status, 200);
  EXPECT_EQ(first.read().status, 200);
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(1000, 'x')).status, 200);
}

TEST(HttpLimits, ABodyThatIsParsedTakesNothingFromOthers) {
  // Some may still be on their way out when the next one comes.
  EchoServer server({.body_bytes = 1000, .bodies_bytes = 4000, .client_share = 1});
  std::vector<std::unique_ptr<Client>> waiting;
  for (std::size_t i = 1; i <= 8; ++i) {
    waiting.push_back(std::make_unique<Client>(server.port()));
    waiting.back()->send(request_text("POST", "/keep", std::string(1000, 'x')));
    server.site.kept(i);
  }
  EXPECT_EQ(request(server.port(), "POST", "/", std::string(1000, 'x')).status, 200);
}

TEST(HttpLimits, WhereAllPlacesAreTakenOneThatWaitsIsClosed) {
  EchoServer server({.connections = 3});
  Client idle(server.port());
  idle.send(request_text("GET", "/head"));
  EXPECT_EQ(idle.read().status, 200);
  Client begins(server.port());
  begins.send("GET /head HT");
  Client busy(server.port());
  busy.send(request_text("POST", "/keep", "x"));
  const auto exchange = server.site.kept();
  Client more(server.port());
  more.send(announced(10));
  EXPECT_TRUE(idle.ends());
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 200);
  EXPECT_EQ(begins.read().status, 0);
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 200);
  exchange->respond({});
  EXPECT_EQ(busy.read().status, 200);
}

TEST(HttpLimits, ConnectionsHaveANumber) {
  EchoServer server({.connections = 2});
  Client a(server.port()), b(server.port());
  a.send(request_text("POST", "/keep", "x"));
  b.send(request_text("POST", "/keep", "x"));
  server.site.kept(2);
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 503);
}

// A thousand that say nothing, or a little, leave room for one that asks.
TEST(HttpLimits, ManyThatWaitAreNotInTheWay) {
  EchoServer server({.connections = 16});
  const auto silent = clients(server.port(), 100, "");
  EXPECT_EQ(request(server.port(), "GET", "/head").status, 200);
  const auto slow = clients(server.port(), 100, announced(100));
  EXPECT_EQ(request(server.port(), "POST", "/", "x").status, 200);
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

TEST(HttpLimits, ABodyThatComesTooSlowlyGetsStatus408) {
  EchoServer server({.body_time = 1h, .body_window = 50ms, .body_rate = 1000});
  for (const std::string& bytes :
       {announced(1000), announced(1000) + std::string(40, 'x'), announced(1000) + std::string(990, 'x')}) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(status_of(server.port(), bytes), 408) << bytes.size();
    EXPECT_GE(std::chrono::steady_clock::now() - start, 50ms);
  }
}

// What comes in extensions of chunks is no body.
TEST(HttpLimits, ChunksThatSayNothingDoNotCountAsProgress) {
  EchoServer server({.body_time = 1h, .body_window = 50ms, .body_rate = 1000});
  EXPECT_EQ(status_of(server.port(),
                      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                      "1;" +
                          std::string(2000, 'e') + "\r\nx\r\n"),
            408);
}

TEST(HttpLimits, ABodyThatComesSteadilyIsTaken) {
  EchoServer server({.body_time = 1h, .body_window = 1ms, .body_rate = 0});
  Client client(server.port());
  client.send(announced(20));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(2ms);
    client.send("x");
  }
  EXPECT_EQ(client.read().body, "POST /? " + std::string(20, 'x'));
}

TEST(HttpLimits, TheNextHeadHasItsTimeFromItsFirstByte) {
  EchoServer server({.head_time = 50ms, .idle_time = 1h});
  Client client(server.port());
  client.send(request_text("GET", "/head"));
  EXPECT_EQ(client.read().status, 200);
  client.send("GET /he");
  EXPECT_EQ(client.read().status, 408);
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
