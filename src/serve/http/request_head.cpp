#include "serve/http/request_head.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "serve/http/message_error.h"

namespace nestor::serve {
namespace {

constexpr std::uint64_t kMostLength = std::uint64_t{1} << 62;

[[noreturn]] void refuse(int status, const char* message) { throw MessageError(status, message); }

/// The value of a field that may occur once, or nothing.
std::optional<std::string_view> only(const HttpRequest& request, std::string_view name, const char* twice) {
  std::optional<std::string_view> value;
  for (const Header& h : request.headers) {
    if (!equal_without_case(h.name, name)) continue;
    if (value) refuse(400, twice);
    value = h.value;
  }
  return value;
}

/// Whether a list, over all fields of that name, has the word.
bool lists(const HttpRequest& request, std::string_view name, std::string_view word) {
  return std::ranges::any_of(request.headers, [&](const Header& h) {
    if (!equal_without_case(h.name, name)) return false;
    for (std::string_view rest = h.value;;) {
      const std::size_t comma = rest.find(',');
      if (equal_without_case(trimmed(rest.substr(0, comma)), word)) return true;
      if (comma == std::string_view::npos) return false;
      rest.remove_prefix(comma + 1);
    }
  });
}

bool is_authority(std::string_view text) {
  constexpr std::string_view kSigns = "-._~!$&'()*+;=%:[]";  // of RFC 3986, without user names and lists
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSigns.find(c) != std::string_view::npos;
  });
}

/// Path and query; the authority of an absolute target takes the place of the Host field.
void read_target(std::string_view target, std::optional<std::string>& host, HttpRequest& request) {
  const std::size_t scheme = target.find("://");
  if (!target.starts_with('/') && scheme != std::string_view::npos) {
    const std::string_view name = target.substr(0, scheme);
    if (!equal_without_case(name, "http") && !equal_without_case(name, "https")) {
      refuse(400, "the target of a request is of another scheme than http");
    }
    target.remove_prefix(scheme + 3);
    host = target.substr(0, target.find_first_of("/?"));
    if (host->empty()) refuse(400, "the target of a request names no host");
    target.remove_prefix(host->size());
  } else if (!target.starts_with('/') && !(target == "*" && request.method == "OPTIONS")) {
    refuse(400, "the target of a request must begin with /");
  }
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (request.path.empty()) request.path = "/";
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
}

std::uint64_t read_length(std::string_view text) {
  std::uint64_t length = 0;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) refuse(400, "the Content-Length is not a number");
  const auto read = std::from_chars(text.data(), text.data() + text.size(), length);
  return read.ec == std::errc() ? std::min(length, kMostLength) : kMostLength;
}

/// Where two fields say how long the body is, someone on the way may have believed the other.
Framing read_framing(const HttpRequest& request, bool chunks) {
  const auto length = only(request, "content-length", "there are two Content-Length fields");
  const auto coding = only(request, "transfer-encoding", "there are two Transfer-Encoding fields");
  if (!coding) return length ? read_length(*length) : std::uint64_t{0};
  if (length) refuse(400, "there are both Content-Length and Transfer-Encoding");
  if (!chunks) refuse(400, "HTTP/1.0 has no Transfer-Encoding");
  if (equal_without_case(*coding, "chunked")) return Chunked{};
  const std::size_t comma = coding->rfind(',');
  const bool last =
      comma != std::string_view::npos && equal_without_case(trimmed(coding->substr(comma + 1)), "chunked");
  if (last) refuse(501, "no Transfer-Encoding but chunked is understood");
  refuse(400, "the Transfer-Encoding must be chunked");
}

void check_host(const HttpRequest& request, const std::optional<std::string>& host, bool needed) {
  const auto field = only(request, "host", "there are two Host fields");
  if (needed && !field) refuse(400, "the Host field is missing");
  if (!is_authority(field.value_or("")) || !is_authority(host.value_or(""))) {
    refuse(400, "the host is not a name or an address with an optional port");
  }
}

/// Method and target; gives the minor version.
int read_first_line(std::string_view line, std::optional<std::string>& host, HttpRequest& request) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) refuse(400, "the first line is not METHOD TARGET HTTP/1.1");
  const std::string_view version = line.substr(second + 1);
  const bool known =
      version.size() == 8 && version.starts_with("HTTP/1.") && version[7] >= '0' && version[7] <= '9';
  if (!known) refuse(400, "the version of HTTP is not 1.0 or 1.1");
  request.method = line.substr(0, first);
  if (!is_token(request.method)) refuse(400, "the method of the request is not a word");
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const bool plain = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (!plain) refuse(400, "the target of a request has characters that must be written as %XX");
  read_target(target, host, request);
  return version[7] - '0';
}

RequestHead understood(std::string_view first_line, std::vector<Header> fields) {
  RequestHead head;
  HttpRequest& request = head.request;
  request.headers = std::move(fields);
  std::optional<std::string> host;
  const int minor = read_first_line(first_line, host, request);
  head.chunks = minor > 0;
  check_host(request, host, head.chunks);
  head.framing = read_framing(request, head.chunks);
  head.keep_alive =
      head.chunks ? !lists(request, "connection", "close") : lists(request, "connection", "keep-alive");
  if (const auto expected = request.header("expect")) {
    if (!equal_without_case(*expected, "100-continue")) refuse(417, "no expectation but 100-continue is met");
    head.asks_first = head.has_body() && head.chunks;
  }
  for (const Header& h : request.headers) {
    const bool plain =
        !equal_without_case(h.name, "content-encoding") || equal_without_case(h.value, "identity");
    if (!plain) refuse(415, "the body is compressed: send it as it is, without Content-Encoding");
  }
  if (host) {
    std::erase_if(request.headers, [](const Header& h) { return equal_without_case(h.name, "host"); });
    request.headers.push_back({"host", *host});
  }
  return head;
}

}  // namespace

HeadReader::HeadReader(std::size_t most_bytes, std::size_t most_fields)
    : lines_({most_bytes, 431, "the head of the request is too large"}), most_fields_(most_fields) {}

std::optional<RequestHead> HeadReader::read(std::string_view& bytes) {
  begun_ = begun_ || !bytes.empty();
  while (auto line = lines_.next(bytes)) {
    if (first_line_.empty()) {
      first_line_ = std::move(*line);  // clients may send an empty line before
    } else if (line->empty()) {
      return understood(first_line_, std::move(fields_));
    } else {
      if (fields_.size() == most_fields_) throw MessageError(431, "the request has too many header fields");
      fields_.push_back(read_field(*line));
    }
  }
  return std::nullopt;
}

}  // namespace nestor::serve
