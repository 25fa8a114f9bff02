#include "serve/http/server.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <future>
#include <thread>
#include <unordered_map>

#include "base/error.h"
#include "serve/http/connection.h"

namespace nestor::serve {

using asio::ip::tcp;

namespace {

/// A single body may be as large as any.
std::size_t client_bytes(const HttpOptions& options) {
  const double share = static_cast<double>(options.bodies_bytes) * options.client_share;
  return std::max(static_cast<std::size_t>(share), options.body_bytes);
}

}  // namespace

class HttpServer::Core {
 public:
  explicit Core(const HttpOptions& options)
      : options_(options),
        pool_(static_cast<std::size_t>(options.workers)),
        work_(io_.get_executor()),
        acceptor_(io_),
        retry_(io_),
        context_{options_, io_, pool_, slow_pool_,
                 BodyLedger({options.bodies_bytes, client_bytes(options)})} {
    context_.on_count = [this](std::size_t open) { count(open); };
    listen();
  }

  void start(Site& site) {
    context_.site = &site;
    accept();
    thread_ = std::thread([this] { run(); });
  }

  ~Core() {
    stop();
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }

  void stop() {
    if (thread_.joinable()) {
      stop_accepting();
      std::promise<void> aborted;
      asio::post(io_, [&] {
        const std::vector<Connection*> all(context_.open.begin(), context_.open.end());
        for (Connection* c : all) c->cut_off();
        aborted.set_value();
      });
      aborted.get_future().wait();
    }
    pool_.join();
    slow_pool_.join();
  }

  void stop_accepting() {
    asio::post(io_, [this] {
      boost::system::error_code ignored;
      context_.closing = true;
      acceptor_.close(ignored);
      retry_.cancel();
      const std::vector<Connection*> all(context_.open.begin(), context_.open.end());
      for (Connection* c : all) c->close_when_idle();
    });
  }

  bool wait_until_closed(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    return closed_.wait_for(lock, most, [this] { return open_ == 0; });
  }

  const tcp::endpoint& endpoint() const { return endpoint_; }

 private:
  void listen() {
    boost::system::error_code error;
    tcp::resolver resolver(io_);
    const auto found =
        resolver.resolve(options_.host, std::to_string(options_.port), tcp::resolver::passive, error);
    if (error || found.empty()) {
      fail(ErrorKind::usage, "{} is neither an address nor a name of this machine: {}",
           in_quotes(options_.host), error.message());
    }
    endpoint_ = found.begin()->endpoint();
    const auto step = [&](const char* what) {
      if (error) {
        fail(ErrorKind::io, "cannot {} {} port {}: {}", what, endpoint_.address().to_string(),
             endpoint_.port(), error.message());
      }
    };
    acceptor_.open(endpoint_.protocol(), error);
    step("open a socket for");
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor_.bind(endpoint_, error);
    step("listen on");
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    step("listen on");
    endpoint_ = acceptor_.local_endpoint(error);
  }

  /// Where there is no memory for a handler, only what it was about is lost.
  void run() {
    while (true) {
      try {
        if (!accepting_ && acceptor_.is_open()) accept_later();
        io_.run();
        return;
      } catch (const std::exception&) {
      }
    }
  }

  void accept() {
    accepting_ = true;
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      accepting_ = false;
      if (!acceptor_.is_open()) return;
      if (error) return accept_later();
      if (context_.open.size() >= options_.connections) make_room();
      if (context_.open.size() < options_.connections) {
        std::make_shared<Connection>(std::move(socket), context_)->start();
      } else {
        turn_away(socket);
      }
      accept();
    });
  }

  /// No descriptors are left, or the like: waiting helps, trying at once does not.
  void accept_later() {
    accepting_ = true;
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](boost::system::error_code error) {
      if (!error && acceptor_.is_open()) accept();
    });
  }

  /// Who has no answer under way can come again: of the client that has most of these connections, the one
  /// that has waited for longest is closed.
  void make_room() {
    std::unordered_map<std::string_view, std::size_t> waiting;
    for (const Connection* c : context_.open) waiting[c->client()] += c->waiting_since() ? 1 : 0;
    const auto rank = [&](const Connection& c) {
      return std::pair(waiting.at(c.client()), -c.waiting_since()->time_since_epoch());
    };
    Connection* first = nullptr;
    for (Connection* c : context_.open) {
      if (c->waiting_since() && (first == nullptr || rank(*c) > rank(*first))) first = c;
    }
    if (first != nullptr) first->cut_off();
  }

  static void turn_away(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(std::string_view("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"
                                                    "content-length: 0\r\nconnection: close\r\n\r\n")),
                      ignored);
  }

  void count(std::size_t open) {
    context_.site->connections(open);
    {
      const std::lock_guard lock(mutex_);
      open_ = open;
    }
    closed_.notify_all();
  }

  const HttpOptions options_;
  asio::io_context io_{1};
  asio::thread_pool pool_;
  asio::thread_pool slow_pool_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  bool accepting_ = false;  // or about to
  tcp::endpoint endpoint_;
  ConnectionContext context_;
  std::mutex mutex_;  // guards open_
  std::condition_variable closed_;
  std::size_t open_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(const HttpOptions& options) : core_(std::make_unique<Core>(options)) {}
HttpServer::~HttpServer() = default;

void HttpServer::start(Site& site) { core_->start(site); }

std::string HttpServer::address() const { return core_->endpoint().address().to_string(); }
std::uint16_t HttpServer::port() const { return core_->endpoint().port(); }
bool HttpServer::is_loopback() const { return core_->endpoint().address().is_loopback(); }
void HttpServer::stop() { core_->stop(); }
void HttpServer::stop_accepting() { core_->stop_accepting(); }
bool HttpServer::wait_until_closed(std::chrono::milliseconds most) { return core_->wait_until_closed(most); }

}  // namespace nestor::serve
