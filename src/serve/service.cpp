#include "serve/service.h"

#include "serve/api/error_answer.h"
#include "serve/page/page.h"
#include "serve/routes/routes.h"

namespace nestor::serve {
namespace {

HttpResponse page_answer(const PageFile& file) {
  return {.content_type = std::string(file.content_type),
          .headers = {{"cache-control", "no-cache"},
                      {"x-content-type-options", "nosniff"},
                      {"referrer-policy", "no-referrer"},
                      {"content-security-policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
                       "'self' data:; "
                       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}},
          .body = std::string(file.text)};
}

}  // namespace

Service::Service(const Backend& backend, const Access& access) : backend_(backend), access_(access) {}

std::optional<HttpResponse> Service::answer_head(const HttpRequest& head) {
  if (auto refused = access_.refuse_site(head)) return refused;
  if (auto answer = access_.preflight(head)) return answer;
  const bool reads = head.method == "GET" || head.method == "HEAD";
  if (head.path == "*")
    return HttpResponse{.status = 204, .content_type = ""};  // OPTIONS of the server as a whole
  if (const auto file = page_file(head.path); file && reads) return page_answer(*file);
  const Route* route = find_route(head.method, head.path);
  if (route == nullptr) return no_route(head.path);
  if (route->key == Route::Key::asked_for) {
    if (auto refused = access_.refuse_key(head)) return refused;
  }
  if (const auto* at_once = std::get_if<AnswerHead>(&route->answer)) return (*at_once)(backend_, head);
  if (backend_.traffic.stopping) return shutting_down();
  return std::nullopt;
}

void Service::answer(const std::shared_ptr<Exchange>& exchange) { answer(backend_, exchange); }

void Service::answer(const Backend& backend, const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& request = exchange->request();
  const Route* route = find_route(request.method, request.path);
  if (route == nullptr) return exchange->respond(no_route(request.path));
  try {
    std::get<AnswerBody>(route->answer)(backend, exchange);
  } catch (const grammar::EffortSpent&) {
    // Once more from the beginning, where it is in nobody's way.
    exchange->defer([this, exchange] {
      Backend patient = backend_;
      patient.grammar_steps = grammar::Effort::kMost;
      answer(patient, exchange);
    });
  } catch (const std::exception& error) {
    const bool stopped = exchange->preparation().stop_requested();
    HttpResponse answer = stopped ? shutting_down() : answer_to(error);
    backend.log.write(
        answer.status >= 500 ? LogLevel::warn : LogLevel::debug, "refused",
        {{"path", request.path}, {"status", std::to_string(answer.status)}, {"error", error.what()}});
    exchange->respond(std::move(answer));
  }
}

HttpResponse Service::refusal(int status, std::string_view message) { return error_answer(status, message); }

void Service::finished(const ExchangeRecord& record) {
  std::string_view route = route_path(record.path);
  if (route.empty()) route = page_file(record.path) ? "/" : "other";
  ++backend_.traffic.responses[{std::string(route), record.complete ? record.status : 0}];
  LogFields fields = {{"peer", record.peer},
                      {"method", record.method},
                      {"path", record.path},
                      {"status", std::to_string(record.status)},
                      {"seconds", fmt::format("{:.4f}", record.seconds)},
                      {"bytes_in", std::to_string(record.bytes_in)},
                      {"bytes_out", std::to_string(record.bytes_out)}};
  if (!record.complete) fields.emplace_back("client", "left");
  fields.insert(fields.end(), record.notes.begin(), record.notes.end());
  backend_.log.write(LogLevel::info, "request", fields);
}

}  // namespace nestor::serve
