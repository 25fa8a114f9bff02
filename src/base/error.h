// The one exception type of the library. A message says what was expected, what was found and what to do
// next. The kind is mapped once to an exit code (apps/) and once to an HTTP status (serve/).
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace nestor {

enum class ErrorKind {
  usage,        // the caller asked for something that makes no sense (exit code 2)
  bad_input,    // a file or a text is malformed or contradicts itself
  unsupported,  // well-formed, but beyond what Nestor does; the message names the thing
  not_found,    // a file, tensor or name does not exist
  io,           // the operating system refused a read or a write
  limit,        // a documented limit (context length, memory, size) would be exceeded
  busy,         // there is no room now; later there may be
  cancelled,    // the user asked to stop
  internal,     // a bug of ours
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// The kind's name in words, e.g. "bad input".
const char* name_of(ErrorKind kind);

/// Throws an Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Text from outside as it may stand inside a message: control characters escaped, cut to `limit` bytes.
std::string in_quotes(std::string_view text, std::size_t limit = 120);

}  // namespace nestor
