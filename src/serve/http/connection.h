// One connection of the HTTP server: reads a request, hands it to the site, sends the answer, and again. Only
// this file and those that include it know Boost.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "serve/http/body_ledger.h"
#include "serve/http/body_reader.h"
#include "serve/http/request_head.h"
#include "serve/http/server.h"

namespace nestor::serve {

namespace asio = boost::asio;

class Connection;

/// What all connections share; touched on the server's thread only.
struct ConnectionContext {
  const HttpOptions& options;
  asio::io_context& io;
  asio::thread_pool& pool;
  asio::thread_pool& slow_pool;
  BodyLedger bodies;
  Site* site = nullptr;
  bool closing = false;  // no further requests
  std::unordered_set<Connection*> open = {};
  std::function<void(std::size_t)> on_count = {};  // how many are open, when that changes
  std::array<char, 64U << 10> received = {};       // by one read
};

/// On the server's thread, but for the parts of the exchange that say otherwise.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  Connection(asio::ip::tcp::socket socket, ConnectionContext& context);
  ~Connection();

  void start();
  /// Closes if there is no request, refuses one whose body has not come yet, else closes after the answer.
  void close_when_idle();
  /// Closes now.
  void cut_off() noexcept;

  /// Who asks: the address, of which a network counts as one in IPv6.
  const std::string& client() const { return client_; }
  /// Since when it has been waiting for its client; nothing while a request is answered.
  std::optional<Clock::time_point> waiting_since() const;

 private:
  class Reply;
  using Socket = asio::ip::tcp::socket;
  using Code = boost::system::error_code;
  enum class Phase { head, body, answering, lingering, closed };

  /// Does a step of this connection. What it throws, for want of memory, ends this connection and no other.
  template <typename Step>
  void guarded(Step step) {
    try {
      step();
    } catch (const std::exception&) {
      cut_off();
    }
  }

  // Reading (connection.cpp)
  void open();
  void receive();
  void on_readable(Code error);
  void take(std::string_view bytes);
  void on_end();
  void expect_head(std::chrono::milliseconds within);
  void take_head(RequestHead head);
  void expect_body();
  void take_body(std::string_view& bytes);
  void check_pace();
  void hand_over();
  void refuse(int status, std::string_view message);

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
  void release_body();
  void close() noexcept;
  void expect(std::chrono::milliseconds within);
  void on_deadline();

  Socket socket_;
  ConnectionContext& context_;
  asio::steady_timer deadline_;        // of the phase
  asio::steady_timer write_deadline_;  // of what is being sent
  std::string peer_;
  std::string client_;

  Phase phase_ = Phase::head;
  Clock::time_point phase_began_;
  std::uint64_t turn_ = 0;  // counts requests: what belongs to an earlier one comes too late
  bool receiving_ = false;
  bool peer_ended_ = false;  // it sends nothing more
  std::string early_;        // of the next request, which came while one is answered
  std::size_t lingered_ = 0;

  HeadReader head_;
  std::optional<BodyReader> body_;
  HttpRequest request_;          // until it is handed over
  std::uint64_t account_ = 0;    // of its body; 0: none
  std::size_t body_before_ = 0;  // what had come when the pace was checked last
  std::vector<Header> headers_;  // of every answer
  std::weak_ptr<Reply> reply_;

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
  Clock::time_point started_;
};

}  // namespace nestor::serve
