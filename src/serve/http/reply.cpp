#include "serve/http/reply.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/memory.h"

namespace nestor::serve {
namespace {

constexpr std::size_t kLargeBody = 1U << 20;  // whose memory is worth asking back

/// Without memory even for an error, the client waits until its time is over.
template <typename Step>
void quietly(Step step) {
  try {
    step();
  } catch (const std::exception&) {
  }
}

}  // namespace

Connection::Reply::Reply(std::shared_ptr<Connection> connection, HttpRequest request)
    : connection_(std::move(connection)), turn_(connection_->turn_), request_(std::move(request)) {}

Connection::Reply::~Reply() {
  quietly([&] { post([](Connection& c) { c.abandon(); }); });
}

template <typename Action>
void Connection::Reply::post(Action action) {
  asio::post(connection_->context_.io, [c = connection_, turn = turn_, action = std::move(action)]() mutable {
    if (c->turn_ == turn && c->phase_ == Phase::answering) c->guarded([&] { action(*c); });
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

void Connection::Reply::run(asio::thread_pool& pool, std::function<void()> task) {
  ++tasks_;
  asio::post(pool, [self = shared_from_this(), task = std::move(task)] {
    quietly([&] { self->do_task(task); });
    if (--self->tasks_ == 0) quietly([&] { self->drop_body(); });
  });
}

/// What a task throws is for the log.
void Connection::Reply::do_task(const std::function<void()>& task) {
  try {
    task();
  } catch (const std::exception& error) {
    note("error", error.what());
    respond(connection_->context_.site->refusal(500, "the request could not be answered"));
  }
}

void Connection::Reply::drop_body() {
  const std::size_t bytes = std::exchange(request_.body, {}).size();
  if (bytes >= kLargeBody) give_back_memory();
  post([](Connection& c) { c.release_body(); });
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

void Connection::Reply::defer(std::function<void()> task) {
  run(connection_->context_.slow_pool, std::move(task));
}

void Connection::Reply::note(std::string key, std::string value) {
  post([key = std::move(key), value = std::move(value)](Connection& c) mutable {
    c.record_.notes.emplace_back(std::move(key), std::move(value));
  });
}

}  // namespace nestor::serve
