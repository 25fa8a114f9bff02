// The table of routes: which method and path gets its answer from which function.
//
// A new route is a file with that function, its declaration below and a line in routes.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "serve/http/exchange.h"
#include "serve/routes/backend.h"

namespace nestor::serve {

/// Answers from the head alone, on the server's own thread: quick.
using AnswerHead = HttpResponse (*)(const Backend&, const HttpRequest& head);
/// Answers with the body at hand, on a thread of the server's pool. What it throws becomes an error answer.
using AnswerBody = void (*)(const Backend&, const std::shared_ptr<Exchange>&);

struct Route {
  enum class Key { asked_for, none };

  std::string_view method;  // GET answers HEAD, too
  std::string_view path;    // with "/" at its end it stands for every path below
  std::variant<AnswerHead, AnswerBody> answer;
  Key key = Key::asked_for;
};

/// The route of a request, or null.
const Route* find_route(std::string_view method, std::string_view path);

/// The answer where there is none: status 404, or 405 at a path that takes other methods.
HttpResponse no_route(std::string_view path);

/// The path in the table that this one falls under ("/v1/models/"), or nothing.
std::string_view route_path(std::string_view path);

// One function for each route.
HttpResponse answer_health(const Backend& backend, const HttpRequest& head);
HttpResponse answer_metrics(const Backend& backend, const HttpRequest& head);
HttpResponse list_models(const Backend& backend, const HttpRequest& head);
HttpResponse describe_model(const Backend& backend, const HttpRequest& head);
void answer_completion(const Backend& backend, const std::shared_ptr<Exchange>& exchange);
void answer_chat(const Backend& backend, const std::shared_ptr<Exchange>& exchange);
void answer_tokenize(const Backend& backend, const std::shared_ptr<Exchange>& exchange);
void answer_detokenize(const Backend& backend, const std::shared_ptr<Exchange>& exchange);

}  // namespace nestor::serve
