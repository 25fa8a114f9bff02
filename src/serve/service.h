// The site behind the sockets: who may ask, what is logged and counted, and the table of routes.
#pragma once

#include <string>

#include "serve/access.h"
#include "serve/routes/backend.h"

namespace nestor::serve {

class Service : public Site {
 public:
  /// Everything must outlive the service.
  Service(const Backend& backend, const Access& access);

  std::optional<HttpResponse> answer_head(const HttpRequest& head) override;
  std::vector<Header> headers(const HttpRequest& head) override { return access_.headers(head); }
  void answer(const std::shared_ptr<Exchange>& exchange) override;
  HttpResponse refusal(int status, std::string_view message) override;
  void finished(const ExchangeRecord& record) override;
  void connections(std::size_t open) override { backend_.traffic.connections = open; }

  /// From now on nothing is generated any more.
  void stop_generating() { backend_.traffic.stopping = true; }

 private:
  void answer(const Backend& backend, const std::shared_ptr<Exchange>& exchange);

  const Backend backend_;
  const Access& access_;
};

}  // namespace nestor::serve
