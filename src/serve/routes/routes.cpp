#include "serve/routes/routes.h"

#include <array>

#include "serve/api/error_answer.h"

namespace nestor::serve {
namespace {

constexpr auto kRoutes = std::to_array<Route>({
    {"GET", "/health", answer_health, Route::Key::none},
    {"GET", "/metrics", answer_metrics},
    {"GET", "/v1/models", list_models},
    {"GET", "/v1/models/", describe_model},
    {"POST", "/v1/completions", answer_completion},
    {"POST", "/v1/chat/completions", answer_chat},
    {"POST", "/tokenize", answer_tokenize},
    {"POST", "/detokenize", answer_detokenize},
});

bool covers(const Route& route, std::string_view path) {
  if (!route.path.ends_with('/')) return path == route.path;
  return path.size() > route.path.size() && path.starts_with(route.path);
}

}  // namespace

const Route* find_route(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  for (const Route& route : kRoutes) {
    if (route.method == method && covers(route, path)) return &route;
  }
  return nullptr;
}

std::string_view route_path(std::string_view path) {
  for (const Route& route : kRoutes) {
    if (covers(route, path)) return route.path;
  }
  return {};
}

HttpResponse no_route(std::string_view path) {
  std::string methods;
  for (const Route& route : kRoutes) {
    if (covers(route, path)) methods += (methods.empty() ? "" : ", ") + std::string(route.method);
  }
  if (methods.empty()) return error_answer(404, fmt::format("there is nothing at {}", in_quotes(path)));
  HttpResponse answer = error_answer(405, fmt::format("{} takes {} only", route_path(path), methods));
  answer.headers.push_back({"allow", methods});
  return answer;
}

}  // namespace nestor::serve
