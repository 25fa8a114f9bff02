// GET /health, GET /metrics
#include "serve/api/error_answer.h"
#include "serve/routes/routes.h"

namespace nestor::serve {

HttpResponse answer_health(const Backend& backend, const HttpRequest& /*head*/) {
  return backend.traffic.stopping ? shutting_down() : HttpResponse{.body = R"({"status":"ok"})"};
}

HttpResponse answer_metrics(const Backend& backend, const HttpRequest& /*head*/) {
  const Traffic& traffic = backend.traffic;
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = metrics_text(backend.engine.snapshot(), traffic.responses, traffic.connections,
                               backend.log.dropped())};
}

}  // namespace nestor::serve
