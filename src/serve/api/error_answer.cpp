#include "serve/api/error_answer.h"

#include <new>

#include "base/json.h"
#include "schedule/engine.h"
#include "serve/api/request_error.h"

namespace nestor::serve {
namespace {

std::string_view type_of(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "service_unavailable";
    case 504:
      return "timeout";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::bad_input:
    case ErrorKind::unsupported:
    case ErrorKind::limit:
      return 400;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::busy:
    case ErrorKind::cancelled:
      return 503;
    case ErrorKind::io:
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(std::string(text)); }

}  // namespace

std::string error_body(std::string_view message, std::string_view type, std::string_view param,
                       std::string_view code) {
  const Json body = {{"error",
                      {{"message", std::string(message)},
                       {"type", std::string(type)},
                       {"param", text_or_null(param)},
                       {"code", text_or_null(code)}}}};
  return to_text(body);
}

HttpResponse error_answer(int status, std::string_view message, std::string_view param, std::string_view code,
                          int retry_after_seconds) {
  HttpResponse answer{.status = status, .body = error_body(message, type_of(status), param, code)};
  if (status == 429 || status == 503) {
    answer.headers.push_back({"retry-after", std::to_string(retry_after_seconds)});
  }
  if (status == 401) answer.headers.push_back({"www-authenticate", "Bearer"});
  return answer;
}

HttpResponse shutting_down() { return error_answer(503, "the server is shutting down", {}, {}, 5); }

HttpResponse answer_to(const Error& error) { return error_answer(status_of(error.kind()), error.what()); }

HttpResponse answer_to(const std::exception& error) {
  if (const auto* request = dynamic_cast<const RequestError*>(&error)) {
    return error_answer(status_of(request->kind()), request->what(), request->param(), request->code());
  }
  if (const auto* busy = dynamic_cast<const schedule::Busy*>(&error)) {
    const int status = busy->reason() == schedule::Busy::Reason::queue_full ? 429 : 503;
    return error_answer(status, busy->what(), {}, {}, busy->retry_after_seconds());
  }
  if (const auto* ours = dynamic_cast<const Error*>(&error)) return answer_to(*ours);
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return error_answer(503, "there is not enough memory for this request now");
  }
  return error_answer(500, error.what());
}

}  // namespace nestor::serve
