// What is wrong with the bytes of an HTTP message: the status that says so, and a sentence. The connection
// ends after it, since nobody knows where the next message would begin.
#pragma once

#include <stdexcept>
#include <string>

namespace nestor::serve {

class MessageError : public std::runtime_error {
 public:
  MessageError(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace nestor::serve
