// The half of a connection that sends.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "serve/http/connection.h"
#include "serve/http/reply.h"
#include "serve/http/status_text.h"

namespace nestor::serve {
namespace {

constexpr std::chrono::seconds kGrace{5};        // for the client to hear that it is too late
constexpr std::chrono::seconds kLinger{2};       // for it to read a refusal before the connection is gone
constexpr std::size_t kPieceBytes = 256U << 10;  // of one send

}  // namespace

void Connection::send_head(const HttpResponse& response, std::optional<std::size_t> length) {
  if (context_.closing || body_unread_) keep_alive_ = false;
  record_.status = response.status;
  begun_ = true;
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nserver: nestor\r\n", response.status, status_text(response.status));
  const auto put = std::back_inserter(head);
  if (!response.content_type.empty()) fmt::format_to(put, "content-type: {}\r\n", response.content_type);
  const auto put_header = [&](const Header& h) { fmt::format_to(put, "{}: {}\r\n", h.name, h.value); };
  std::for_each(response.headers.begin(), response.headers.end(), put_header);
  std::for_each(headers_.begin(), headers_.end(), put_header);
  if (length) {
    if (response.status != 204) fmt::format_to(put, "content-length: {}\r\n", *length);
  } else if (chunked_) {
    head += "transfer-encoding: chunked\r\n";
  } else {
    keep_alive_ = false;  // the end of the connection is the end of the answer
  }
  fmt::format_to(put, "connection: {}\r\n\r\n", keep_alive_ ? "keep-alive" : "close");
  send(head);
}

void Connection::answer_whole(const HttpResponse& response) {
  if (begun_) return;
  send_head(response, response.body.size());
  if (!headless_ && response.status != 204) send(response.body);
  ended_ = true;
  pump();
}

void Connection::begin_stream(const HttpResponse& head) {
  if (begun_) return;
  send_head(head, std::nullopt);
  if (head.body.empty()) return pump();
  stream(head.body);
}

void Connection::stream(std::string_view piece) {
  if (!begun_ || ended_ || piece.empty()) return;
  if (!headless_) {
    if (chunked_) fmt::format_to(std::back_inserter(outbox_), "{:x}\r\n", piece.size());
    send(piece);
    if (chunked_) send("\r\n");
  }
  if (outbox_.size() > context_.options.unread_bytes) return interrupted(Interruption::client_left);
  pump();
}

void Connection::end_stream() {
  if (!begun_ || ended_) return;
  if (chunked_ && !headless_) send("0\r\n\r\n");
  ended_ = true;
  pump();
}

void Connection::abandon() {
  if (!begun_) return answer_whole(context_.site->refusal(500, "the request was dropped without an answer"));
  if (!ended_) interrupted(Interruption::client_left);
}

void Connection::send(std::string_view bytes) { outbox_ += bytes; }

void Connection::pump() {
  if (sent_ < sending_.size()) return;  // one send at a time
  if (outbox_.empty()) {
    if (ended_) answer_complete();
    return;
  }
  sending_.clear();
  sending_.swap(outbox_);
  sent_ = 0;
  on_sent({}, 0);
}

void Connection::on_sent(Code error, std::size_t bytes) {
  if (phase_ != Phase::answering) return;
  if (error) return interrupted(Interruption::client_left);
  sent_ += bytes;
  record_.bytes_out += bytes;
  if (sent_ == sending_.size()) {
    write_deadline_.cancel();
    return pump();
  }
  write_deadline_.expires_after(context_.options.write_time);
  write_deadline_.async_wait([self = shared_from_this()](Code waited) {
    if (waited || self->write_deadline_.expiry() > Clock::now()) return;
    if (self->phase_ == Phase::answering) self->cut_off();
  });
  const std::size_t piece = std::min(kPieceBytes, sending_.size() - sent_);
  socket_.async_write_some(asio::buffer(sending_.data() + sent_, piece),
                           [self = shared_from_this()](Code failed, std::size_t n) {
                             self->guarded([&] { self->on_sent(failed, n); });
                           });
}

void Connection::answer_complete() {
  record(true);
  ++turn_;
  release_body();
  if (!keep_alive_ || context_.closing) return linger();
  expect_head(context_.options.idle_time);
  take(std::exchange(early_, {}));
  if (peer_ended_ && phase_ != Phase::answering) return close();
  receive();
}

/// Closing with unread bytes of the client would reset the connection and could destroy the answer on its
/// way. So what it still sends is thrown away for a while.
void Connection::linger() {
  phase_ = Phase::lingering;
  phase_began_ = Clock::now();
  lingered_ = 0;
  early_.clear();
  Code error;
  socket_.shutdown(Socket::shutdown_send, error);
  if (error || peer_ended_) return close();
  expect(kLinger);
  receive();
}

void Connection::on_too_late() {
  if (ended_) return;  // only the sending is left, which has its own limit
  expect(kGrace);
  const auto reply = reply_.lock();
  if (!reply || reply->interrupted()) return interrupted(Interruption::client_left);
  // Where the answer is still being prepared, nobody else would say it.
  if (!reply->interrupt(Interruption::too_late))
    answer_whole(context_.site->refusal(504, "the time for one request is over"));
}

void Connection::interrupted(Interruption why) {
  close();
  if (const auto reply = reply_.lock()) reply->interrupt(why);
  record(false);
}

void Connection::record(bool complete) {
  record_.complete = complete;
  record_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  context_.site->finished(record_);
}

}  // namespace nestor::serve
