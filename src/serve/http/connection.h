// One connection of the HTTP server: reads a request, hands it to the site, sends the answer, and again. Only
// this file and those that include it know Boost.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "serve/http/server.h"

namespace nestor::serve {

namespace asio = boost::asio;
namespace beast = boost::beast;

class Connection;

/// What all connections share; touched on the server's thread only.
struct ConnectionContext {
  const HttpOptions& options;
  asio::io_context& io;
  asio::thread_pool& pool;
  asio::thread_pool& slow_pool;
  Site* site = nullptr;
  bool closing = false;          // no further requests
  std::size_t bodies_bytes = 0;  // reserved by requests that are being read or answered
  std::unordered_set<Connection*> open = {};
  std::function<void(std::size_t)> on_count = {};  // how many are open, when that changes
};

/// On the server's thread, but for the parts of the exchange that say otherwise.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, ConnectionContext& context);
  ~Connection();

  void start();
  /// Closes if there is no request, refuses one whose body has not come yet, else closes after the answer.
  void close_when_idle();
  /// Closes now.
  void cut_off();

 private:
  class Reply;
  using Socket = asio::ip::tcp::socket;
  using Parser = beast::http::request_parser<beast::http::string_body>;
  using Code = boost::system::error_code;
  enum class Phase { head, body, answering, lingering, closed };

  // Reading (connection.cpp)
  void read_head();
  void on_head(Code error);
  void read_body();
  void on_body(Code error);
  void hand_over();
  void take_head();
  void refuse(int status, std::string_view message);
  void watch();
  void on_readable(Code error);

  // Answering (connection_output.cpp)
  void send_head(const HttpResponse& response, std::optional<std::size_t> length);
  void answer_whole(const HttpResponse& response);
  void begin_stream(const HttpResponse& head);
  void stream(std::string_view piece);
  void end_stream();
  void abandon();
  void send(std::string_view bytes);
  void pump();
  void on_sent(Code error, std::size_t bytes);
  void answer_complete();
  void linger();
  void on_too_late();
  void interrupted(Interruption why);
  void record(bool complete);
  void close();
  void expect(std::chrono::milliseconds within);

  Socket socket_;
  ConnectionContext& context_;
  asio::steady_timer deadline_;        // of the phase
  asio::steady_timer write_deadline_;  // of what is being sent
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  HttpRequest request_;          // until it is handed over
  std::vector<Header> headers_;  // of every answer
  std::string peer_;
  std::weak_ptr<Reply> reply_;

  Phase phase_ = Phase::head;
  std::uint64_t turn_ = 0;  // counts requests: what belongs to an earlier one comes too late
  std::size_t reserved_ = 0;
  bool keep_alive_ = false;
  bool body_unread_ = false;
  bool chunked_ = false;
  bool headless_ = false;  // HEAD: the head only
  bool begun_ = false;     // a head was sent
  bool ended_ = false;     // all of the answer is in outbox_
  std::string outbox_;
  std::string sending_;
  std::size_t sent_ = 0;  // of sending_
  ExchangeRecord record_;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace nestor::serve
