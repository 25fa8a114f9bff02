// What RFC 9112 asks of a server about where a request ends, over real sockets: bytes that two readers could
// understand differently are refused, the connection ends, and what follows is not taken for a request.
#include <gtest/gtest.h>

#include "client.h"
#include "echo_site.h"

namespace nestor::testing {
namespace {

struct Case {
  const char* what;
  std::string bytes;
  int status;
};

std::string post(const std::string& fields, const std::string& rest = {}) {
  return "POST /first HTTP/1.1\r\nhost: localhost\r\n" + fields + "\r\n" + rest;
}
std::string get(const std::string& target, const std::string& fields = "host: localhost\r\n") {
  return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}
std::string chunks(const std::string& body) { return post("transfer-encoding: chunked\r\n", body); }

const std::string kSecond = "POST /second HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";

/// One answer with that status, whoever it is that asks next on the same connection gets none, and the site
/// has seen nothing.
void expect_refused(const Case& c) {
  EchoServer server;
  Client client(server.port());
  client.send(c.bytes + kSecond);
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, c.status) << c.what << ": " << reply.body;
  EXPECT_EQ(reply.headers.contains("connection") ? reply.headers.at("connection") : "", "close") << c.what;
  EXPECT_EQ(client.read_until("HTTP/"), "") << c.what;
  EXPECT_EQ(server.site.asked(), 0) << c.what;
}

TEST(HttpFraming, ATransferEncodingIsExactlyChunked) {
  const auto te = [](const std::string& value) {
    return post("transfer-encoding:" + value + "\r\n", "5\r\nhello\r\n0\r\n\r\n");
  };
  for (const Case& c : std::vector<Case>{
           {"unknown", te(" xchunked"), 400},
           {"unknown after it", te(" chunkedx"), 400},
           {"identity", te(" identity"), 400},
           {"gzip", te(" gzip"), 400},
           {"empty", te(""), 400},
           {"blank", te("  \t"), 400},
           {"not last", te(" chunked, identity"), 400},
           {"gzip last", te(" chunked, gzip"), 400},
           {"quoted", te(" \"chunked\""), 400},
           {"with a parameter", te(" chunked;q=1"), 400},
           {"with a comma", te(" chunked,"), 400},
           {"after a comma", te(" ,chunked"), 501},
           {"after gzip", te(" gzip, chunked"), 501},
           {"after gzip without a blank", te(" gzip,chunked"), 501},
           {"twice in a list", te(" chunked, chunked"), 501},
           {"vertical tab",
            te(" \x0b"
               "chunked"),
            400},
           {"two fields", te(" chunked\r\ntransfer-encoding: chunked"), 400},
           {"two fields, one unknown", te(" chunked\r\nTransfer-Encoding: identity"), 400},
           {"in HTTP/1.0", "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400},
       }) {
    expect_refused(c);
  }
}

TEST(HttpFraming, ALengthIsOneNumber) {
  const auto length = [](const std::string& value) {
    return post("content-length:" + value + "\r\n", "hello");
  };
  for (const Case& c : std::vector<Case>{
           {"negative", length(" -1"), 400},
           {"signed", length(" +5"), 400},
           {"hexadecimal", length(" 0x5"), 400},
           {"fraction", length(" 5.0"), 400},
           {"empty", length(""), 400},
           {"two numbers", length(" 5 5"), 400},
           {"a list of the same", length(" 5, 5"), 400},
           {"a list", length(" 5,6"), 400},
           {"two fields", length(" 5\r\ncontent-length: 6"), 400},
           {"two fields of the same", length(" 5\r\ncontent-length: 5"), 400},
           {"other digits", length(" \xd9\xa5"), 400},
           {"an escape", length(" 5\\r\\n"), 400},
           {"and chunks", post("content-length: 5\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"), 400},
           {"chunks and it", post("transfer-encoding: chunked\r\ncontent-length: 5\r\n", "0\r\n\r\n"), 400},
           {"more than 64 bits", length(" 18446744073709551621"), 413},
           {"more than 63 bits", length(" 9223372036854775808"), 413},
           {"5,000 digits", length(" " + std::string(5000, '9')), 413},
           {"more than is taken", length(" 33554433"), 413},
       }) {
    expect_refused(c);
  }
}

TEST(HttpFraming, AHostIsNamedOnce) {
  for (const Case& c : std::vector<Case>{
           {"none", "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 400},
           {"two", get("/", "host: a\r\nhost: b\r\n"), 400},
           {"two of the same", get("/", "host: a\r\nHost: a\r\n"), 400},
           {"two in HTTP/1.0", "GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400},
           {"a list", get("/", "host: a, b\r\n"), 400},
           {"a user", get("/", "host: me@a\r\n"), 400},
           {"a path", get("/", "host: a/b\r\n"), 400},
           {"a blank", get("/", "host: a b\r\n"), 400},
           {"a fragment", get("/", "host: a#b\r\n"), 400},
           {"beyond ASCII", get("/", "host: \xc3\xa4\r\n"), 400},
           {"none beside an absolute target", get("http://a/", ""), 400},
       }) {
    expect_refused(c);
  }
}

TEST(HttpFraming, LinesAreWholeAndPlain) {
  for (const Case& c : std::vector<Case>{
           {"folded", post("x: a\r\n b\r\n"), 400},
           {"folded by a tab", post("x: a\r\n\tb\r\n"), 400},
           {"folded at the beginning", "GET / HTTP/1.1\r\n host: a\r\n\r\n", 400},
           {"folded and empty", post("x: a\r\n \r\n"), 400},
           {"a blank before the colon", post("x : a\r\n"), 400},
           {"a tab before the colon", post("content-length\t: 0\r\n"), 400},
           {"no name", post(": a\r\n"), 400},
           {"no colon", post("x\r\n"), 400},
           {"a name with a sign", post("x(y): a\r\n"), 400},
           {"a name beyond ASCII", post("\xc3\xa4: a\r\n"), 400},
           {"bare LF after a field", post("x: a\n"), 400},
           {"bare LF after the first line", "GET / HTTP/1.1\nhost: a\r\n\r\n", 400},
           {"nothing but LF", "GET / HTTP/1.1\nhost: a\n\n", 400},
           {"bare CR in a value", post("x: a\rb\r\n"), 400},
           {"bare CR as a line end", post("x: a\rcontent-length: 5\r\n"), 400},
           {"CR CR LF", post("x: a\r\r\n"), 400},
           {"NUL in a value", post(std::string("x: a\0b\r\n", 8)), 400},
           {"NUL in the target", get(std::string("/a\0b", 4)), 400},
           {"escape in a value", post("x: \x1b[2J\r\n"), 400},
           {"DEL in a value", post("x: \x7f\r\n"), 400},
           {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
       }) {
    expect_refused(c);
  }
}

TEST(HttpFraming, TheFirstLineIsExact) {
  for (const Case& c : std::vector<Case>{
           {"two words", "GET /\r\n\r\n", 400},
           {"one word", "nonsense\r\n\r\n", 400},
           {"two blanks", "GET  / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
           {"a tab", "GET\t/\tHTTP/1.1\r\nhost: a\r\n\r\n", 400},
           {"a blank at the beginning", " GET / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
           {"a blank at the end", "GET / HTTP/1.1 \r\nhost: a\r\n\r\n", 400},
           {"a blank in the target", get("/a b"), 400},
           {"a fragment", get("/a#b"), 400},
           {"a target beyond ASCII", get("/\xc3\xa4"), 400},
           {"no slash", get("a"), 400},
           {"an authority", "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", 400},
           {"an asterisk", get("*"), 400},
           {"another scheme", get("ftp://a/"), 400},
           {"a scheme without a host", get("http:///a"), 400},
           {"a user in the target", get("http://me@a/"), 400},
           {"a small version", "GET / http/1.1\r\nhost: a\r\n\r\n", 400},
           {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
           {"HTTP/9.9", "GET / HTTP/9.9\r\nhost: a\r\n\r\n", 400},
           {"HTTP/1.10", "GET / HTTP/1.10\r\nhost: a\r\n\r\n", 400},
           {"no method", " / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
           {"a method with a sign", "G(T / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
       }) {
    expect_refused(c);
  }
}

TEST(HttpFraming, ChunksAreExact) {
  for (const Case& c : std::vector<Case>{
           {"no size", chunks("\r\n"), 400},
           {"no number", chunks("zz\r\n"), 400},
           {"negative", chunks("-1\r\nx\r\n"), 400},
           {"signed", chunks("+1\r\nx\r\n"), 400},
           {"0x", chunks("0x1\r\nx\r\n"), 400},
           {"a blank before", chunks(" 1\r\nx\r\n"), 400},
           {"a blank after", chunks("1 \r\nx\r\n0\r\n\r\n"), 400},
           {"bare LF after the size", chunks("1\nx\r\n0\r\n\r\n"), 400},
           {"bare LF after the data", chunks("1\r\nx\n0\r\n\r\n"), 400},
           {"bare LF after the last size", chunks("0\n\r\n"), 400},
           {"bare LF as the last line", chunks("0\r\n\n"), 400},
           {"bare CR after the size", chunks("1\rx\r\n"), 400},
           {"longer than it says", chunks("1\r\nxy\r\n0\r\n\r\n"), 400},
           {"shorter than it says", chunks("3\r\nx\r\n0\r\n\r\n"), 400},
           {"no line after the data", chunks("1\r\nx0\r\n\r\n"), 400},
           {"NUL in an extension", chunks(std::string("1;a\0\r\nx\r\n", 9)), 400},
           {"bare LF in an extension", chunks("1;a\nx\r\n"), 400},
           {"an extension without a semicolon", chunks("1 a\r\nx\r\n"), 400},
           {"a long extension", chunks("1;" + std::string(5000, 'a') + "\r\nx\r\n"), 400},
           {"a folded trailer", chunks("0\r\nx: a\r\n b\r\n\r\n"), 400},
           {"a trailer that is none", chunks("0\r\nGET / HTTP/1.1\r\n\r\n"), 400},
           {"a trailer with a blank before the colon", chunks("0\r\nx : a\r\n\r\n"), 400},
           {"a long trailer", chunks("0\r\nx: " + std::string(5000, 'a') + "\r\n\r\n"), 400},
           {"more than is taken", chunks("2000001\r\n"), 413},
           {"64 bits", chunks("ffffffffffffffff\r\n"), 413},
           {"more than 64 bits", chunks("10000000000000000\r\n"), 413},
           {"5,000 digits", chunks(std::string(4000, '1') + "\r\n"), 413},
       }) {
    expect_refused(c);
  }
}

// Extensions and trailers of many chunks count together.
TEST(HttpFraming, WhatIsNoneOfTheBodyIsLittle) {
  std::string extended, trailers = "0\r\n";
  for (int i = 0; i < 20; ++i) extended += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  for (int i = 0; i < 20; ++i) trailers += "x: " + std::string(1000, 'a') + "\r\n";
  expect_refused({"extensions", chunks(extended), 400});
  expect_refused({"trailers", chunks(trailers), 400});
}

TEST(HttpFraming, ChunksThatAreWrongAreRefusedBeforeTheirLineEnds) {
  for (const std::string& body :
       std::vector<std::string>{"z", "1\n", "1\r\nxy", "1\r\nx\n", "0\n", "0\r\n\n", "-", "1;\n"}) {
    EchoServer server({.body_time = std::chrono::hours(1), .body_window = std::chrono::hours(1)});
    Client client(server.port());
    client.send(chunks(body));
    EXPECT_EQ(client.read().status, 400) << body;
  }
}

TEST(HttpFraming, WhatIsNotDoneHereIsSaidSo) {
  for (const Case& c : std::vector<Case>{
           {"gzip", post("content-encoding: gzip\r\ncontent-length: 5\r\n", "hello"), 415},
           {"br in chunks", post("content-encoding: br\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"), 415},
           {"two codings",
            post("Content-Encoding: identity\r\ncontent-encoding: deflate\r\ncontent-length: 0\r\n"), 415},
           {"an empty coding", post("content-encoding:\r\ncontent-length: 0\r\n"), 415},
           {"an expectation", post("expect: 200-ok\r\ncontent-length: 5\r\n", "hello"), 417},
       }) {
    expect_refused(c);
  }
}

struct Good {
  const char* what;
  std::string bytes;
  std::string body;  // of the answer
};

TEST(HttpFraming, WhatIsUnusualButRightIsAnswered) {
  for (const Good& c : std::vector<Good>{
           {"chunked in capitals", post("Transfer-Encoding: CHUNKED\r\n", "1\r\nx\r\n0\r\n\r\n"),
            "POST /first? x"},
           {"blanks around a value", post("transfer-encoding: \t chunked \t\r\n", "1\r\nx\r\n0\r\n\r\n"),
            "POST /first? x"},
           {"no blank before a value", post("content-length:1\r\n", "x"), "POST /first? x"},
           {"zeros before a length", post("content-length: 0001\r\n", "x"), "POST /first? x"},
           {"zeros before a size", chunks("00a\r\n0123456789\r\n000\r\n\r\n"), "POST /first? 0123456789"},
           {"capitals in a size", chunks("A\r\n0123456789\r\n0\r\n\r\n"), "POST /first? 0123456789"},
           {"an extension", chunks("1;a=b;c=\"d e\"\r\nx\r\n0;e\r\n\r\n"), "POST /first? x"},
           {"an extension after a blank", chunks("1 ;a\r\nx\r\n0\r\n\r\n"), "POST /first? x"},
           {"trailers", chunks("1\r\nx\r\n0\r\na: b\r\ncontent-length: 9\r\n\r\n"), "POST /first? x"},
           {"no body", post("content-length: 0\r\n"), "POST /first? "},
           {"no length", post(""), "POST /first? "},
           {"identity", post("content-encoding: identity\r\ncontent-length: 1\r\n", "x"), "POST /first? x"},
           {"an empty line before", "\r\n\r\n" + get("/a"), "GET /a? "},
           {"an absolute target", get("http://localhost/a?b"), "GET /a?b "},
           {"one without a path", get("http://localhost"), "GET /? "},
           {"one with a query only", get("HTTP://localhost?b=/c"), "GET /?b=/c "},
           {"one with a port", get("https://localhost:80/a"), "GET /a? "},
           {"an address as a query", get("/a?u=http://b/"), "GET /a?u=http://b/ "},
           {"an empty host", get("/a", "host:\r\n"), "GET /a? "},
           {"an address as the host", get("/a", "host: [::1]:80\r\n"), "GET /a? "},
           {"bytes beyond ASCII in a value", get("/a", "host: a\r\nx: \xc3\xa4\xff\r\n"), "GET /a? "},
           {"an empty value", get("/a", "host: a\r\nx:\r\n"), "GET /a? "},
           {"another minor version", "GET /a HTTP/1.7\r\nhost: a\r\n\r\n", "GET /a? "},
           {"an unknown method", "BREW /a HTTP/1.1\r\nhost: a\r\n\r\n", "BREW /a? "},
           {"an asterisk", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "OPTIONS *? "},
           {"a field twice", get("/a", "host: a\r\nx: 1\r\nx: 2\r\n"), "GET /a? "},
       }) {
    for (const std::size_t piece : {std::string::npos, std::size_t{1}}) {  // at once, and byte by byte
      EchoServer server;
      Client client(server.port());
      for (std::size_t i = 0; i < c.bytes.size(); i += std::min(piece, c.bytes.size() - i)) {
        client.send(std::string_view(c.bytes).substr(i, piece));
      }
      client.send(kSecond);
      EXPECT_EQ(client.read().body, c.body) << c.what;
      EXPECT_EQ(client.read().body, "POST /second? ") << c.what;
    }
  }
}

TEST(HttpFraming, AnOlderClientNeedsNoHostAndIsLeftAfterItsAnswer) {
  EchoServer server;
  Client client(server.port());
  client.send("GET /a HTTP/1.0\r\n\r\n" + kSecond);
  EXPECT_EQ(client.read().body, "GET /a? ");
  EXPECT_EQ(client.read_until("HTTP/"), "");
  Client keeps(server.port());
  keeps.send("GET /a HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n" + kSecond);
  EXPECT_EQ(keeps.read().body, "GET /a? ");
  EXPECT_EQ(keeps.read().body, "POST /second? ");
}

TEST(HttpFraming, TheHostOfAnAbsoluteTargetCounts) {
  EchoServer server;
  for (const std::string host : {"host: localhost\r\n", "HOST: other\r\n"}) {
    Client client(server.port());
    client.send(get("http://evil.example:8/host", host));
    EXPECT_EQ(client.read().body, "evil.example:8");
  }
}

TEST(HttpFraming, CloseIsObeyedInAList) {
  EchoServer server;
  Client client(server.port());
  client.send(get("/a", "host: a\r\nconnection: keep-alive, Close\r\n") + kSecond);
  EXPECT_EQ(client.read().headers.at("connection"), "close");
  EXPECT_EQ(client.read_until("HTTP/"), "");
}

TEST(HttpFraming, AClientThatSaysItIsDoneGetsItsAnswers) {
  EchoServer server;
  for (const std::string& bytes : {get("/head"), get("/head") + get("/head"), std::string("GET /\n")}) {
    Client client(server.port());
    client.send(bytes);
    client.finish();
    EXPECT_NE(client.read().status, 0) << bytes;
  }
}

}  // namespace
}  // namespace nestor::testing
