#include "serve/service.h"

#include <array>

#include "serve/api/error_answer.h"
#include "serve/page/page.h"

namespace nestor::serve {
namespace {

constexpr std::string_view kModelPrefix = "/v1/models/";

struct Route {
  std::string_view method;
  std::string_view path;
};
constexpr std::array<Route, 8> kRoutes = {{{"GET", "/health"},
                                           {"GET", "/metrics"},
                                           {"GET", "/v1/models"},
                                           {"GET", kModelPrefix},
                                           {"POST", "/v1/completions"},
                                           {"POST", "/v1/chat/completions"},
                                           {"POST", "/tokenize"},
                                           {"POST", "/detokenize"}}};

/// The route of a path, or null.
const Route* route_of(std::string_view path) {
  for (const Route& route : kRoutes) {
    const bool prefix = route.path == kModelPrefix;
    if (prefix ? path.size() > route.path.size() && path.starts_with(route.path) : path == route.path)
      return &route;
  }
  return nullptr;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// A part of a path with its %XX read.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

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

Service::Service(const Backend& backend, const Access& access, const Log& log)
    : backend_(backend), access_(access), log_(log) {}

std::optional<HttpResponse> Service::answer_head(const HttpRequest& head) {
  if (auto refused = access_.refuse_site(head)) return refused;
  if (auto answer = access_.preflight(head)) return answer;
  const bool reads = head.method == "GET" || head.method == "HEAD";
  if (const auto file = page_file(head.path); file && reads) return page_answer(*file);
  const Route* route = route_of(head.path);
  if (route == nullptr) return error_answer(404, fmt::format("there is nothing at {}", in_quotes(head.path)));
  if (head.method != route->method && !(reads && route->method == "GET")) {
    HttpResponse answer = error_answer(405, fmt::format("{} takes {} only", route->path, route->method));
    answer.headers.push_back({"allow", std::string(route->method)});
    return answer;
  }
  if (head.path != "/health") {
    if (auto refused = access_.refuse_key(head)) return refused;
  }
  if (reads) return answer_get(head);
  if (stopping_) return error_answer(503, "the server is shutting down", {}, {}, 5);
  return std::nullopt;
}

std::optional<HttpResponse> Service::answer_get(const HttpRequest& head) {
  const lm::Info& info = backend_.engine.info();
  if (head.path == "/health") {
    return stopping_ ? error_answer(503, "the server is shutting down", {}, {}, 5)
                     : HttpResponse{.body = R"({"status":"ok"})"};
  }
  if (head.path == "/metrics") {
    return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                        .body = metrics_text(backend_.engine.snapshot(), counts_, connections_)};
  }
  if (head.path == "/v1/models") return list_models(backend_.model, info);
  return describe_model(backend_.model, info,
                        unescaped(std::string_view(head.path).substr(kModelPrefix.size())));
}

void Service::answer(const std::shared_ptr<Exchange>& exchange) {
  const std::string& path = exchange->request().path;
  try {
    if (path == "/v1/completions") return answer_completion(backend_, exchange);
    if (path == "/v1/chat/completions") return answer_chat(backend_, exchange);
    if (path == "/tokenize") return exchange->respond(answer_tokenize(backend_, exchange->request()));
    return exchange->respond(answer_detokenize(backend_, exchange->request()));
  } catch (const std::exception& error) {
    HttpResponse answer = answer_to(error);
    log_.write(answer.status >= 500 ? LogLevel::warn : LogLevel::debug, "refused",
               {{"path", path}, {"status", std::to_string(answer.status)}, {"error", error.what()}});
    exchange->respond(std::move(answer));
  }
}

HttpResponse Service::refusal(int status, std::string_view message) { return error_answer(status, message); }

void Service::finished(const ExchangeRecord& record) {
  const Route* route = route_of(record.path);
  const bool page = page_file(record.path).has_value();
  ++counts_[{std::string(route != nullptr ? route->path
                         : page           ? "/"
                                          : "other"),
             record.complete ? record.status : 0}];
  LogFields fields = {{"peer", record.peer},
                      {"method", record.method},
                      {"path", record.path},
                      {"status", std::to_string(record.status)},
                      {"seconds", fmt::format("{:.4f}", record.seconds)},
                      {"bytes_in", std::to_string(record.bytes_in)},
                      {"bytes_out", std::to_string(record.bytes_out)}};
  if (!record.complete) fields.emplace_back("client", "left");
  fields.insert(fields.end(), record.notes.begin(), record.notes.end());
  log_.write(LogLevel::info, "request", fields);
}

}  // namespace nestor::serve
