// The head of a request (RFC 9112): what is asked for, and where the body ends.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "serve/http/exchange.h"
#include "serve/http/field_lines.h"

namespace nestor::serve {

/// The framings of a body: so many bytes, or chunks.
struct Chunked {};
using Framing = std::variant<std::uint64_t, Chunked>;

struct RequestHead {
  HttpRequest request;  // without body and peer
  Framing framing = std::uint64_t{0};
  bool chunks = true;       // the client understands an answer in chunks: HTTP/1.1
  bool keep_alive = true;   // it wants to ask more on this connection
  bool asks_first = false;  // it waits for 100 Continue before it sends the body

  bool has_body() const { return framing.index() == 1 || std::get<std::uint64_t>(framing) > 0; }
};

/// Takes one head out of bytes that come in whatever pieces. Throws MessageError: 400 for what is malformed
/// or ambiguous, 415 for a compressed body, 417 and 501 for what is not done here, 431 beyond the limits.
class HeadReader {
 public:
  HeadReader(std::size_t most_bytes, std::size_t most_fields);

  /// The head once all of it has come; takes from the front what belongs to it.
  std::optional<RequestHead> read(std::string_view& bytes);

  /// True once its first byte has come.
  bool begun() const { return begun_; }

 private:
  LineReader lines_;
  std::size_t most_fields_;
  bool begun_ = false;
  std::string first_line_;
  std::vector<Header> fields_;
};

}  // namespace nestor::serve
