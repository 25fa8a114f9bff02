#include "serve/http/body_reader.h"

#include <algorithm>
#include <charconv>

#include "serve/http/message_error.h"

namespace nestor::serve {
namespace {

constexpr std::size_t kMostLine = 4096;  // with an extension, or of a trailer
constexpr std::size_t kMostDigits = 16;  // of a size: 64 bits
constexpr const char* kTooLarge = "the request body is too large";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";
constexpr LineReader::Limit kLine = {kMostLine, 400, "a line between chunks is too long"};

MessageError no_size() { return {400, "the size of a chunk is not a hexadecimal number"}; }
MessageError too_long() { return {400, "a chunk is longer than its size says"}; }

}  // namespace

BodyReader::BodyReader(const Framing& framing, std::size_t most_bytes, std::size_t most_spare)
    : state_(State::size),
      chunked_(framing.index() == 1),
      room_(most_bytes),
      spare_(most_spare),
      line_(kLine) {
  if (chunked_) return;
  left_ = std::get<std::uint64_t>(framing);
  if (left_ > most_bytes) throw MessageError(413, kTooLarge);
  state_ = left_ > 0 ? State::data : State::complete;
}

void BodyReader::read(std::string_view& bytes, std::string& body) {
  while (!bytes.empty() && !complete()) {
    if (state_ != State::data) {
      const auto line = line_.next(bytes);
      if (!line) return check_begun(line_.so_far());
      line_ = LineReader(kLine);
      read_line(*line);
      continue;
    }
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    body.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    left_ -= piece;
    if (left_ == 0) state_ = chunked_ ? State::data_end : State::complete;
  }
}

/// A client that waits for an answer need not end a line that is wrong already.
void BodyReader::check_begun(std::string_view line) const {
  if (state_ == State::size && kHexadecimal.find(line.substr(0, 1)) == std::string_view::npos)
    throw no_size();
  if (state_ == State::data_end && !std::string_view("\r").starts_with(line)) throw too_long();
}

void BodyReader::read_line(const std::string& line) {
  switch (state_) {
    case State::size:
      return begin_chunk(line);
    case State::data_end:
      if (!line.empty()) throw too_long();
      state_ = State::size;
      return;
    case State::trailer:
      if (line.empty()) {
        state_ = State::complete;
        return;
      }
      read_field(line);
      if (line.size() > spare_) throw MessageError(400, "the trailers are too long");
      spare_ -= line.size();
      return;
    case State::data:
    case State::complete:
      return;
  }
}

void BodyReader::begin_chunk(std::string_view line) {
  const std::size_t digits = std::min(line.find_first_not_of(kHexadecimal), line.size());
  const std::string_view extension = line.substr(digits);
  const bool plain = extension.empty() || trimmed(extension).starts_with(';');
  if (digits == 0 || !plain) throw no_size();
  if (extension.size() > spare_) throw MessageError(400, "the extensions of chunks are too long");
  spare_ -= extension.size();
  std::from_chars(line.data(), line.data() + std::min(digits, kMostDigits), left_, 16);
  if (digits > kMostDigits || left_ > room_) throw MessageError(413, kTooLarge);
  room_ -= static_cast<std::size_t>(left_);
  state_ = left_ > 0 ? State::data : State::trailer;
}

}  // namespace nestor::serve
