// The routes of the server: which request gets which answer.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "serve/access.h"
#include "serve/log.h"
#include "serve/metrics_text.h"
#include "serve/routes/backend.h"

namespace nestor::serve {

class Service : public Site {
 public:
  /// Everything must outlive the service.
  Service(const Backend& backend, const Access& access, const Log& log);

  std::optional<HttpResponse> answer_head(const HttpRequest& head) override;
  std::vector<Header> headers(const HttpRequest& head) override { return access_.headers(head); }
  void answer(const std::shared_ptr<Exchange>& exchange) override;
  HttpResponse refusal(int status, std::string_view message) override;
  void finished(const ExchangeRecord& record) override;
  void connections(std::size_t open) override { connections_ = open; }

  /// From now on nothing is generated any more.
  void stop_generating() { stopping_ = true; }

 private:
  std::optional<HttpResponse> answer_get(const HttpRequest& head);

  const Backend backend_;
  const Access& access_;
  const Log& log_;
  std::atomic<bool> stopping_{false};
  HttpCounts counts_;  // like the next, of the server's own thread
  std::size_t connections_ = 0;
};

}  // namespace nestor::serve
