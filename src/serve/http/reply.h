// The exchange of one request on a connection: passes what is answered, from whatever thread, to the server's
// thread.
#pragma once

#include <atomic>

#include "serve/http/connection.h"

namespace nestor::serve {

class Connection::Reply : public Exchange, public std::enable_shared_from_this<Connection::Reply> {
 public:
  Reply(std::shared_ptr<Connection> connection, HttpRequest request);
  ~Reply() override;

  const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse response) override;
  void begin(HttpResponse head) override;
  void write(std::string piece) override;
  void end() override;
  void on_interruption(std::function<void(Interruption)> call) override;
  std::stop_token preparation() const override { return preparation_.get_token(); }
  void defer(std::function<void()> task) override;
  void note(std::string key, std::string value) override;

  /// Runs the answer, or a part of it, on a thread of the pool. When all parts have been run, nobody needs
  /// the body any more.
  void run(asio::thread_pool& pool, std::function<void()> task);
  void stop_preparation() { preparation_.request_stop(); }
  /// Whether somebody is there to be told.
  bool interrupt(Interruption why);
  bool interrupted();

 private:
  template <typename Action>
  void post(Action action);
  void do_task(const std::function<void()>& task);
  void drop_body();

  std::shared_ptr<Connection> connection_;
  std::uint64_t turn_;
  HttpRequest request_;
  std::stop_source preparation_;
  std::atomic<int> tasks_{0};
  std::mutex mutex_;  // guards what follows
  std::function<void(Interruption)> call_;
  std::optional<Interruption> interruption_;
};

}  // namespace nestor::serve
