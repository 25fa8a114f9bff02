// Any bytes as what a connection receives: requests within their limits, or a status that says why not; and
// the same however the bytes are cut into pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/body_reader.h"
#include "serve/http/message_error.h"
#include "serve/http/request_head.h"

namespace {

using namespace nestor::serve;

constexpr std::size_t kMostHead = 4096, kMostFields = 16, kMostBody = 2048;

void check_head(const RequestHead& head) {
  const HttpRequest& request = head.request;
  if (request.headers.size() > kMostFields + 1 || (head.chunks && !request.header("host"))) std::abort();
  if (!request.path.starts_with('/') && request.path != "*") std::abort();
  for (const Header& h : request.headers) {
    if (!is_token(h.name) || h.value.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos)
      std::abort();
  }
}

/// All that the requests say, up to the first that is refused.
std::string understood(std::string_view bytes, std::size_t piece) {
  std::string said;
  HeadReader reader(kMostHead, kMostFields);
  std::optional<BodyReader> body_reader;
  std::string body;
  const auto take_body = [&](std::string_view& part) {
    body_reader->read(part, body);
    if (body.size() > kMostBody) std::abort();
    if (!body_reader->complete()) return;
    said += " body " + body;
    body.clear();
    body_reader.reset();
    reader = HeadReader(kMostHead, kMostFields);
  };
  try {
    while (!bytes.empty()) {
      std::string_view part = bytes.substr(0, piece);
      bytes.remove_prefix(part.size());
      while (!part.empty()) {
        if (body_reader) {
          take_body(part);
          continue;
        }
        const auto head = reader.read(part);
        if (!head) continue;
        check_head(*head);
        said += head->request.method + " " + head->request.path + "?" + head->request.query;
        for (const Header& h : head->request.headers) said += "\n" + h.name + ":" + h.value;
        body_reader.emplace(head->framing, kMostBody, kMostHead);
        take_body(part);
      }
    }
  } catch (const MessageError& error) {
    if (error.status() < 400 || error.status() > 501) std::abort();
    said += "\nrefused " + std::to_string(error.status());
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = understood(bytes, size + 1);
  for (const std::size_t piece : {1, 7}) {
    if (understood(bytes, piece) != whole) std::abort();
  }
  return 0;
}
