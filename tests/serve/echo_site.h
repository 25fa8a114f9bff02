// A site for tests of the HTTP server: says back what it got, and keeps what a test wants to see.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "serve/http/exchange.h"
#include "serve/http/server.h"

namespace nestor::testing {

class EchoSite : public serve::Site {
 public:
  std::optional<serve::HttpResponse> answer_head(const serve::HttpRequest& head) override {
    if (head.path == "/head") return serve::HttpResponse{.content_type = "text/plain", .body = "early"};
    return std::nullopt;
  }
  std::vector<serve::Header> headers(const serve::HttpRequest& head) override {
    return {{"x-path", head.path}};
  }

  void answer(const std::shared_ptr<serve::Exchange>& exchange) override {
    const std::string& path = exchange->request().path;
    ++asked_;
    if (path == "/drop") return;
    if (path == "/throw") throw std::runtime_error("thrown");
    if (path == "/hold") {
      std::unique_lock lock(mutex_);
      held_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
    }
    if (path == "/keep") {
      exchange->on_interruption([this](serve::Interruption why) {
        const std::lock_guard lock(mutex_);
        interruptions_.push_back(why);
        changed_.notify_all();
      });
      const std::lock_guard lock(mutex_);
      kept_.push_back(exchange);
      changed_.notify_all();
      return;
    }
    if (path == "/stream") {
      exchange->begin({.content_type = "text/plain", .body = "one "});
      exchange->write("two ");
      exchange->write("three");
      exchange->end();
      return;
    }
    if (path == "/host") return exchange->respond({.body = std::string(*exchange->request().header("host"))});
    exchange->respond({.content_type = "text/plain",
                       .body = exchange->request().method + " " + path + "?" + exchange->request().query +
                               " " + exchange->request().body});
  }

  serve::HttpResponse refusal(int status, std::string_view message) override {
    return {.status = status, .content_type = "text/plain", .body = std::string(message)};
  }
  void finished(const serve::ExchangeRecord& record) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(record);
    changed_.notify_all();
  }

  /// The requests that reached the site with their bodies.
  int asked() const { return asked_; }
  /// Waits until so many exchanges are kept, and gives the last.
  std::shared_ptr<serve::Exchange> kept(std::size_t count = 1) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::minutes(1), [&] { return kept_.size() >= count; }))
      throw std::runtime_error("no request came to be kept");
    return kept_.back();
  }
  /// Waits until a thread of the server is held up at /hold, which goes on when it is released.
  void held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  serve::Interruption interruption() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !interruptions_.empty(); });
    return interruptions_.back();
  }
  std::vector<serve::ExchangeRecord> records(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return records_.size() >= count; });
    return records_;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    kept_.clear();
  }

 private:
  std::atomic<int> asked_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool released_ = false;
  std::vector<std::shared_ptr<serve::Exchange>> kept_;
  std::vector<serve::Interruption> interruptions_;
  std::vector<serve::ExchangeRecord> records_;
};

/// Binds to any free port of the loopback address and serves the site.
class EchoServer {
 public:
  explicit EchoServer(serve::HttpOptions options = {}) : server_(with_any_port(options)) {
    server_.start(site);
  }
  ~EchoServer() {
    server_.stop();
    site.forget();
  }

  EchoSite site;
  serve::HttpServer& http() { return server_; }
  std::uint16_t port() const { return server_.port(); }

 private:
  static serve::HttpOptions with_any_port(serve::HttpOptions options) {
    options.port = 0;
    return options;
  }
  serve::HttpServer server_;
};

}  // namespace nestor::testing
