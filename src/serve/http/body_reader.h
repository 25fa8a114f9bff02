// The body of a request, taken out of the bytes of a connection: so many, or in chunks (RFC 9112).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serve/http/field_lines.h"
#include "serve/http/request_head.h"

namespace nestor::serve {

class BodyReader {
 public:
  /// Throws MessageError(413) for a length beyond `most_bytes`. The lines around chunks that carry nothing
  /// (extensions, trailers) have `most_spare` bytes together.
  BodyReader(const Framing& framing, std::size_t most_bytes, std::size_t most_spare);

  /// Appends to `body` what of the bytes belongs to it, and takes that from the front. Throws MessageError:
  /// 400 for chunks that are none, 413 for too much.
  void read(std::string_view& bytes, std::string& body);

  bool complete() const { return state_ == State::complete; }

 private:
  enum class State { size, data, data_end, trailer, complete };

  void read_line(const std::string& line);
  void check_begun(std::string_view line) const;
  void begin_chunk(std::string_view line);

  State state_;
  bool chunked_;
  std::uint64_t left_ = 0;  // of the chunk, or of all
  std::size_t room_;
  std::size_t spare_;
  LineReader line_;
};

}  // namespace nestor::serve
