#include "serve/api/error_answer.h"

#include <new>

#include "base/json.h"
#include "base/printable.h"
#include "schedule/engine.h"
#include "serve/api/request_error.h"

namespace nestor::serve {
namespace {

constexpr std::size_t kMostBytes = 600;  // of a message
constexpr const char* kInside = "the server could not answer this request; its log says why";

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

/// The text as it may stand in a message, and with an end, which is not in the middle of a character.
std::string shown(std::string_view text) {
  if (text.size() <= kMostBytes) return printable(text);
  std::size_t end = kMostBytes;
  while (end > kMostBytes - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return printable(text.substr(0, end)) + "...";
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(shown(text)); }

}  // namespace

std::string error_body(std::string_view message, std::string_view type, std::string_view param,
                       std::string_view code) {
  const Json body = {{"error",
                      {{"message", shown(message)},
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

/// What went wrong inside is for the log: it may name files of this machine.
HttpResponse answer_to(const Error& error) {
  const int status = status_of(error.kind());
  return error_answer(status, status == 500 ? kInside : error.what());
}

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
  return error_answer(500, kInside);
}

}  // namespace nestor::serve
