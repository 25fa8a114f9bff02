#include "serve/http/connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <utility>

#include "serve/http/reply.h"

namespace nestor::serve {
namespace {

namespace http = beast::http;

constexpr std::size_t kEarlyBytes = 64U << 10;  // of the next request, read while one is answered

// The status for what the parser says, or nothing if the connection is simply over.
std::optional<int> status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == http::make_error_code(http::error::bad_method).category()) return 400;
  return std::nullopt;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, ConnectionContext& context)
    : socket_(std::move(socket)), context_(context), deadline_(context.io), write_deadline_(context.io) {}

Connection::~Connection() = default;

void Connection::start() {
  Code error;
  const auto endpoint = socket_.remote_endpoint(error);
  if (!error) peer_ = endpoint.address().to_string();
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  socket_.set_option(asio::socket_base::keep_alive(true), error);
  socket_.non_blocking(true, error);
  started_ = std::chrono::steady_clock::now();
  context_.open.insert(this);
  context_.on_count(context_.open.size());
  read_head();
  expect(context_.options.head_time);
}

void Connection::read_head() {
  phase_ = Phase::head;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(context_.options.header_bytes));
  parser_->body_limit(context_.options.body_bytes);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](Code error, std::size_t) { self->on_head(error); });
}

void Connection::on_head(Code error) {
  if (phase_ != Phase::head) return;
  started_ = std::chrono::steady_clock::now();
  record_ = {};
  record_.peer = peer_;
  headers_.clear();
  keep_alive_ = false;
  chunked_ = begun_ = ended_ = headless_ = false;
  if (error) {
    const auto status = status_of(error);
    if (!status) return close();
    body_unread_ = true;
    return refuse(*status,
                  *status == 413 ? "the request body is too large" : "malformed request: " + error.message());
  }
  take_head();
  const auto& message = parser_->get();
  const auto length = parser_->content_length();
  body_unread_ = parser_->chunked() || length.value_or(0) > 0;
  if (std::distance(message.begin(), message.end()) >
      static_cast<std::ptrdiff_t>(context_.options.header_count)) {
    return refuse(431, "the request has too many header fields");
  }
  if (!request_.path.starts_with('/')) return refuse(400, "the target of a request must begin with /");
  keep_alive_ = message.keep_alive();
  chunked_ = message.version() >= 11;
  headless_ = message.method() == http::verb::head;
  if (auto answer = context_.site->answer_head(request_)) {
    phase_ = Phase::answering;
    return answer_whole(*answer);
  }
  const std::size_t bytes = !body_unread_        ? 0
                            : parser_->chunked() ? context_.options.body_bytes
                                                 : static_cast<std::size_t>(length.value_or(0));
  if (context_.bodies_bytes + bytes > context_.options.bodies_bytes) {
    return refuse(503, "too many large requests at a time");
  }
  reserved_ = bytes;
  context_.bodies_bytes += bytes;
  read_body();
}

void Connection::take_head() {
  const auto& message = parser_->get();
  request_ = {};
  request_.peer = peer_;
  request_.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const std::size_t question = target.find('?');
  request_.path = std::string(target.substr(0, question));
  if (question != std::string_view::npos) request_.query = std::string(target.substr(question + 1));
  for (const auto& field : message) {
    request_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  headers_ = context_.site->headers(request_);
  record_.method = request_.method;
  record_.path = request_.path;
}

void Connection::read_body() {
  phase_ = Phase::body;
  expect(context_.options.body_time);
  if (body_unread_ && beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    // Nothing else is being sent, so this little fits into the buffer of the socket; if not, the client sends
    // its body after a while without having been asked.
    Code ignored;
    socket_.write_some(asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")), ignored);
  }
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](Code error, std::size_t) { self->on_body(error); });
}

void Connection::on_body(Code error) {
  if (phase_ != Phase::body) return;
  if (error) {
    keep_alive_ = false;
    const auto status = status_of(error);
    if (!status) return close();
    return refuse(*status,
                  *status == 413 ? "the request body is too large" : "malformed body: " + error.message());
  }
  body_unread_ = false;
  request_.body = std::move(parser_->get().body());
  record_.bytes_in = request_.body.size();
  // In chunks it might have become as large as any; now its size is known.
  const std::size_t unused = reserved_ - std::min(reserved_, request_.body.size());
  context_.bodies_bytes -= unused;
  reserved_ -= unused;
  hand_over();
}

void Connection::hand_over() {
  phase_ = Phase::answering;
  expect(context_.options.answer_time);
  auto reply = std::make_shared<Reply>(shared_from_this(), std::move(request_));
  reply_ = reply;
  reply->run(context_.pool, [reply, site = context_.site] { site->answer(reply); });
  watch();
}

/// The answer is an error that this server gives itself; the connection is closed after it.
void Connection::refuse(int status, std::string_view message) {
  phase_ = Phase::answering;
  keep_alive_ = false;
  answer_whole(context_.site->refusal(status, message));
}

/// While an answer is made, sees the client leave. What it sends already is kept for the next request.
void Connection::watch() {
  if (buffer_.size() >= kEarlyBytes) return;
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this(), turn = turn_](Code error) {
    if (turn == self->turn_) self->on_readable(error);
  });
}

void Connection::on_readable(Code error) {
  if (error || phase_ != Phase::answering) return;
  const auto space = buffer_.prepare(4096);
  const std::size_t bytes = socket_.read_some(space, error);
  if (error && error != asio::error::would_block && error != asio::error::try_again) {
    return interrupted(Interruption::client_left);
  }
  buffer_.commit(bytes);
  watch();
}

void Connection::expect(std::chrono::milliseconds within) {
  deadline_.expires_after(within);
  deadline_.async_wait([self = shared_from_this()](Code error) {
    if (error || self->deadline_.expiry() > std::chrono::steady_clock::now()) return;
    switch (self->phase_) {
      case Phase::head:
        if (self->turn_ > 0 || self->buffer_.size() == 0) return self->close();
        self->body_unread_ = true;
        return self->refuse(408, "the head of the request did not come in time");
      case Phase::body:
        return self->refuse(408, "the body of the request did not come in time");
      case Phase::answering:
        return self->on_too_late();
      case Phase::lingering:
        return self->close();
      case Phase::closed:
        return;
    }
  });
}

void Connection::close_when_idle() {
  if (phase_ == Phase::head && buffer_.size() == 0) return close();
  if (phase_ == Phase::body) return refuse(503, "the server is shutting down");
  keep_alive_ = false;
  if (const auto reply = reply_.lock()) reply->stop_preparation();
}

void Connection::cut_off() {
  if (phase_ == Phase::answering && !ended_) return interrupted(Interruption::client_left);
  close();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  ++turn_;
  Code ignored;
  deadline_.cancel();
  write_deadline_.cancel();
  socket_.close(ignored);
  context_.bodies_bytes -= std::exchange(reserved_, 0);
  context_.open.erase(this);
  context_.on_count(context_.open.size());
}

}  // namespace nestor::serve
