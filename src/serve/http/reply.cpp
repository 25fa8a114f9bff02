#include "serve/http/reply.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace nestor::serve {

Connection::Reply::Reply(std::shared_ptr<Connection> connection, HttpRequest request)
    : connection_(std::move(connection)), turn_(connection_->turn_), request_(std::move(request)) {}

Connection::Reply::~Reply() {
  post([](Connection& c) { c.abandon(); });
}

template <typename Action>
void Connection::Reply::post(Action action) {
  asio::post(connection_->context_.io, [c = connection_, turn = turn_, action = std::move(action)]() mutable {
    if (c->turn_ == turn && c->phase_ == Phase::answering) action(*c);
  });
}

void Connection::Reply::respond(HttpResponse response) {
  post([response = std::move(response)](Connection& c) { c.answer_whole(response); });
}

void Connection::Reply::begin(HttpResponse head) {
  post([head = std::move(head)](Connection& c) { c.begin_stream(head); });
}

void Connection::Reply::write(std::string piece) {
  post([piece = std::move(piece)](Connection& c) { c.stream(piece); });
}

void Connection::Reply::end() {
  post([](Connection& c) { c.end_stream(); });
}

void Connection::Reply::on_interruption(std::function<void(Interruption)> call) {
  std::unique_lock lock(mutex_);
  if (!interruption_) {
    call_ = std::move(call);
    return;
  }
  const Interruption already = *interruption_;
  lock.unlock();
  call(already);
}

void Connection::Reply::interrupt(Interruption why) {
  std::function<void(Interruption)> call;
  {
    const std::lock_guard lock(mutex_);
    if (interruption_) return;
    interruption_ = why;
    call = std::exchange(call_, nullptr);
  }
  if (call) call(why);
}

bool Connection::Reply::interrupted() {
  const std::lock_guard lock(mutex_);
  return interruption_.has_value();
}

void Connection::Reply::note(std::string key, std::string value) {
  post([key = std::move(key), value = std::move(value)](Connection& c) mutable {
    c.record_.notes.emplace_back(std::move(key), std::move(value));
  });
}

}  // namespace nestor::serve
