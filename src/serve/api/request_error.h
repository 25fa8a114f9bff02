// What is wrong with a request, in the terms of OpenAI's error object.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace nestor::serve {

/// An error that knows which parameter of the request is at fault.
class RequestError : public Error {
 public:
  RequestError(ErrorKind kind, std::string param, const std::string& message, std::string code = {})
      : Error(kind, message), param_(std::move(param)), code_(std::move(code)) {}

  const std::string& param() const { return param_; }  // "messages[2].role"
  const std::string& code() const { return code_; }    // "context_length_exceeded"; may be empty

 private:
  std::string param_;
  std::string code_;
};

}  // namespace nestor::serve
