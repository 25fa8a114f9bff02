// Errors as HTTP answers: the one place where kinds of errors become status codes.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "base/error.h"
#include "serve/http/exchange.h"

namespace nestor::serve {

/// OpenAI's error object: {"error": {"message", "type", "param", "code"}}; empty texts become null, control
/// characters are escaped, and what is long is cut.
std::string error_body(std::string_view message, std::string_view type, std::string_view param = {},
                       std::string_view code = {});

/// The answer with that body; `type` follows from the status. 429 and 503 say when to try again.
HttpResponse error_answer(int status, std::string_view message, std::string_view param = {},
                          std::string_view code = {}, int retry_after_seconds = 1);

/// The answer to a request that comes while the server ends.
HttpResponse shutting_down();

/// The answer to what a handler threw. Status 500 says nothing of the reason.
HttpResponse answer_to(const std::exception& error);

/// The answer to an error of the engine while it computed.
HttpResponse answer_to(const Error& error);

}  // namespace nestor::serve
