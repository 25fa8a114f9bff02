#include "serve/http/connection.h"

#include <algorithm>
#include <utility>

#include "serve/http/message_error.h"
#include "serve/http/reply.h"

namespace nestor::serve {
namespace {

constexpr std::size_t kEarlyBytes = 64U << 10;  // of the next request, read while one is answered
constexpr std::size_t kLingerBytes = 4U << 20;  // of an unwanted body, thrown away while its client reads why

HeadReader new_head(const HttpOptions& options) { return {options.header_bytes, options.header_count}; }

/// Whoever has one IPv6 address has all of its network.
std::string client_of(const asio::ip::address& address) {
  if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, ConnectionContext& context)
    : socket_(std::move(socket)),
      context_(context),
      deadline_(context.io),
      write_deadline_(context.io),
      head_(new_head(context.options)) {}

Connection::~Connection() = default;

void Connection::start() {
  guarded([this] { open(); });
}

void Connection::open() {
  Code error;
  const auto endpoint = socket_.remote_endpoint(error);
  if (!error) peer_ = endpoint.address().to_string();
  if (!error) client_ = client_of(endpoint.address());
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  socket_.set_option(asio::socket_base::keep_alive(true), error);
  socket_.non_blocking(true, error);
  context_.open.insert(this);
  context_.on_count(context_.open.size());
  expect_head(context_.options.head_time);
  receive();
}

std::optional<Connection::Clock::time_point> Connection::waiting_since() const {
  if (phase_ == Phase::answering || phase_ == Phase::closed) return std::nullopt;
  return phase_began_;
}

void Connection::receive() {
  const bool enough = phase_ == Phase::answering && early_.size() >= kEarlyBytes;
  if (receiving_ || peer_ended_ || enough || phase_ == Phase::closed) return;
  receiving_ = true;
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](Code error) {
    self->receiving_ = false;
    self->guarded([&] { self->on_readable(error); });
  });
}

void Connection::on_readable(Code error) {
  if (phase_ == Phase::closed) return;
  auto& received = context_.received;
  const std::size_t bytes = error ? 0 : socket_.read_some(asio::buffer(received), error);
  if (error && error != asio::error::would_block && error != asio::error::try_again) return on_end();
  take({received.data(), bytes});
  receive();
}

void Connection::take(std::string_view bytes) {
  try {
    if (phase_ == Phase::head) {
      const bool first = !head_.begun() && !bytes.empty();
      if (first && turn_ > 0) expect(context_.options.head_time);
      if (auto head = head_.read(bytes)) take_head(std::move(*head));
    }
    if (phase_ == Phase::body) take_body(bytes);
  } catch (const MessageError& error) {
    body_unread_ = true;
    return refuse(error.status(), error.what());
  }
  if (phase_ == Phase::answering) early_ += bytes;
  if (phase_ == Phase::lingering && (lingered_ += bytes.size()) > kLingerBytes) close();
}

/// The client sends nothing more. One that waits for an answer has left; what is being sent already it may
/// still read.
void Connection::on_end() {
  peer_ended_ = true;
  if (phase_ == Phase::body) record(false);
  if (phase_ != Phase::answering) return close();
  if (!ended_) interrupted(Interruption::client_left);
}

void Connection::expect_head(std::chrono::milliseconds within) {
  phase_ = Phase::head;
  phase_began_ = Clock::now();
  head_ = new_head(context_.options);
  started_ = phase_began_;
  record_ = {};
  record_.peer = peer_;
  headers_.clear();
  keep_alive_ = body_unread_ = chunked_ = begun_ = ended_ = headless_ = false;
  expect(within);
}

void Connection::take_head(RequestHead head) {
  started_ = Clock::now();
  request_ = std::move(head.request);
  request_.peer = peer_;
  headers_ = context_.site->headers(request_);
  record_.method = request_.method;
  record_.path = request_.path;
  body_unread_ = head.has_body();
  keep_alive_ = head.keep_alive;
  chunked_ = head.chunks;
  headless_ = request_.method == "HEAD";
  if (auto answer = context_.site->answer_head(request_)) {
    phase_ = Phase::answering;
    return answer_whole(*answer);
  }
  body_.emplace(head.framing, context_.options.body_bytes, context_.options.header_bytes);
  if (body_->complete()) return hand_over();
  if (head.asks_first) {
    // Nothing else is being sent, so this little fits into the buffer of the socket; if not, the client sends
    // its body after a while without having been asked.
    Code ignored;
    socket_.write_some(asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")), ignored);
  }
  expect_body();
}

void Connection::expect_body() {
  phase_ = Phase::body;
  phase_began_ = Clock::now();
  body_before_ = 0;
  account_ = context_.bodies.open(client_, [this] { refuse(503, "too many large requests at a time"); });
  expect(std::min(context_.options.body_window, context_.options.body_time));
}

void Connection::take_body(std::string_view& bytes) {
  const std::size_t before = request_.body.size();
  body_->read(bytes, request_.body);
  context_.bodies.add(account_, request_.body.size() - before);
  if (phase_ != Phase::body || !body_->complete()) return;  // it may have had to give way
  context_.bodies.complete(account_);
  body_unread_ = false;
  record_.bytes_in = request_.body.size();
  hand_over();
}

/// Every while, so much has to have come: a body that dribbles in would hold its place for as long as it
/// likes.
void Connection::check_pace() {
  const auto& options = context_.options;
  const auto left = options.body_time - (Clock::now() - phase_began_);
  if (left.count() <= 0) return refuse(408, "the body of the request did not come in time");
  const auto seconds = std::chrono::duration<double>(options.body_window).count();
  const auto come =
      static_cast<double>(request_.body.size() - std::exchange(body_before_, request_.body.size()));
  if (come < static_cast<double>(options.body_rate) * seconds) {
    return refuse(408, "the body of the request comes too slowly");
  }
  expect(std::min(options.body_window, std::chrono::ceil<std::chrono::milliseconds>(left)));
}

void Connection::hand_over() {
  phase_ = Phase::answering;
  expect(context_.options.answer_time);
  auto reply = std::make_shared<Reply>(shared_from_this(), std::move(request_));
  request_ = {};
  reply_ = reply;
  reply->run(context_.pool, [reply, site = context_.site] { site->answer(reply); });
}

/// The answer is an error that this server gives itself; the connection is closed after it.
void Connection::refuse(int status, std::string_view message) {
  phase_ = Phase::answering;
  keep_alive_ = false;
  request_ = {};
  release_body();
  answer_whole(context_.site->refusal(status, message));
}

void Connection::release_body() { context_.bodies.close(std::exchange(account_, 0)); }

void Connection::expect(std::chrono::milliseconds within) {
  deadline_.expires_after(within);
  deadline_.async_wait([self = shared_from_this()](Code error) {
    if (error || self->deadline_.expiry() > Clock::now()) return;
    self->guarded([&] { self->on_deadline(); });
  });
}

void Connection::on_deadline() {
  switch (phase_) {
    case Phase::head:
      if (!head_.begun()) return close();
      body_unread_ = true;
      return refuse(408, "the head of the request did not come in time");
    case Phase::body:
      return check_pace();
    case Phase::answering:
      return on_too_late();
    case Phase::lingering:
      return close();
    case Phase::closed:
      return;
  }
}

void Connection::close_when_idle() {
  if (phase_ == Phase::head && !head_.begun()) return close();
  if (phase_ == Phase::body) return refuse(503, "the server is shutting down");
  keep_alive_ = false;
  if (const auto reply = reply_.lock()) reply->stop_preparation();
}

void Connection::cut_off() noexcept {
  const bool answering = phase_ == Phase::answering && !ended_;
  close();
  try {
    if (answering) interrupted(Interruption::client_left);
  } catch (const std::exception&) {  // there is no memory to say so
  }
}

void Connection::close() noexcept {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  ++turn_;
  Code ignored;
  deadline_.cancel();
  write_deadline_.cancel();
  socket_.close(ignored);
  release_body();
  context_.open.erase(this);
  context_.on_count(context_.open.size());
}

}  // namespace nestor::serve
