// The HTTP/1.1 server: one thread that waits for sockets, never for a client, a few threads that parse
// requests and prepare answers, and one for what takes long there. What it serves is a Site.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "serve/http/exchange.h"

namespace nestor::serve {

struct HttpOptions {
  std::string host = "127.0.0.1";  // an address or a name
  std::uint16_t port = 8000;       // 0: any that is free
  int workers = 2;                 // threads for Site::answer

  std::size_t header_bytes = 16U << 10;
  std::size_t header_count = 64;
  std::size_t body_bytes = 32U << 20;
  std::size_t bodies_bytes = 256U << 20;  // of all requests that are being read or parsed together
  double client_share = 0.5;              // of bodies_bytes, that the bodies of one client may take
  std::size_t unread_bytes = 4U << 20;    // of a stream that its client does not read
  std::size_t connections = 512;

  std::chrono::milliseconds head_time{10'000};       // from connecting to the end of the head
  std::chrono::milliseconds idle_time{75'000};       // between two requests of a connection
  std::chrono::milliseconds body_time{120'000};      // for a whole body
  std::chrono::milliseconds body_window{10'000};     // in each of which a body must come on,
  std::size_t body_rate = 1024;                      // by so many bytes a second
  std::chrono::milliseconds write_time{30'000};      // without the client reading anything
  std::chrono::milliseconds answer_time{3'600'000};  // for one answer
};

class HttpServer {
 public:
  /// Binds to the address. Throws Error(usage) for a host that is none, Error(io) for an address that cannot
  /// be had.
  explicit HttpServer(const HttpOptions& options);
  /// stop(). No exchange may be left.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Begins to serve, once. The site must outlive the server.
  void start(Site& site);

  std::string address() const;  // as bound: "127.0.0.1" or "::1"
  std::uint16_t port() const;
  bool is_loopback() const;

  /// No new connections; those without a request are closed, and the others after their answer.
  void stop_accepting();
  /// Waits until all connections are closed, or for that long. True if all are.
  bool wait_until_closed(std::chrono::milliseconds most);

  /// Closes all connections, interrupting their exchanges, and waits for the calls of Site::answer, and for
  /// what they deferred, to return. Exchanges that are kept elsewhere may still be used.
  void stop();

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace nestor::serve
