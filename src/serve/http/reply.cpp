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

bool Connection::Reply::interrupt(Interruption why) {
  preparation_.request_stop();
  std::function<void(Interruption)> call;
  {
    const std::lock_guard lock(mutex_);
    if (interruption_) return false;
    interruption_ = why;
    call = std::exchange(call_, nullptr);
  }
  if (call) call(why);
  return call != nullptr;
}

bool Connection::Reply::interrupted() {
  const std::lock_guard lock(mutex_);
  return interruption_.has_value();
}

void Connection::Reply::run(asio::thread_pool& pool, std::function<void()> task) {
  // Whatever is thrown drops the exchange, and that answers with status 500.
  asio::post(pool, [self = shared_from_this(), task = std::move(task)] {
    try {
      task();
    } catch (const std::exception& e) {
      self->respond(self->connection_->context_.site->refusal(500, e.what()));
    }
  });
}

void Connection::Reply::defer(std::function<void()> task) {
  run(connection_->context_.slow_pool, std::move(task));
}

void Connection::Reply::note(std::string key, std::string value) {
  post([key = std::move(key), value = std::move(value)](Connection& c) mutable {
    c.record_.notes.emplace_back(std::move(key), std::move(value));
  });
}

}  // namespace nestor::serve
