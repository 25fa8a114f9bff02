#include "client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace nestor::testing {

Client::Client(std::uint16_t port) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const timeval most{.tv_sec = 120, .tv_usec = 0};  // a hanging test ends
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
}

Client::~Client() { leave(); }

void Client::leave() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Client::finish() { ::shutdown(socket_, SHUT_WR); }

void Client::receive_little() {
  const int bytes = 4096;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // the server has closed; what it said can still be read
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool Client::fill() {
  char buffer[16384];
  const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
  if (n <= 0) return false;
  held_.append(buffer, static_cast<std::size_t>(n));
  return true;
}

bool Client::ends() {
  while (fill()) {
  }
  return true;
}

std::string Client::read_until(std::string_view text) {
  std::size_t at = 0;
  while ((at = held_.find(text)) == std::string::npos) {
    if (!fill()) return std::exchange(held_, {});
  }
  std::string read = held_.substr(0, at + text.size());
  held_.erase(0, read.size());
  return read;
}

Reply Client::read(bool of_head) {
  Reply reply;
  const std::string head = read_until("\r\n\r\n");
  if (!head.ends_with("\r\n\r\n")) return reply;
  std::size_t begin = head.find("\r\n") + 2;
  for (std::size_t end = 0; (end = head.find("\r\n", begin)) != begin; begin = end + 2) {
    const std::size_t colon = head.find(": ", begin);
    reply.headers[head.substr(begin, colon - begin)] = head.substr(colon + 2, end - colon - 2);
  }
  const int status = std::atoi(head.c_str() + head.find(' '));
  if (of_head || status == 204) {
    reply.status = status;
  } else if (reply.headers.contains("content-length")) {
    const auto length = static_cast<std::size_t>(std::stoul(reply.headers["content-length"]));
    while (held_.size() < length && fill()) {
    }
    if (held_.size() < length) return reply;
    reply.body = held_.substr(0, length);
    held_.erase(0, length);
    reply.status = status;
  } else if (reply.headers.contains("transfer-encoding")) {
    while (true) {
      const std::string line = read_until("\r\n");
      if (!line.ends_with("\r\n")) return reply;
      const auto length = static_cast<std::size_t>(std::stoul(line, nullptr, 16));
      while (held_.size() < length + 2 && fill()) {
      }
      if (held_.size() < length + 2) return reply;
      reply.body += held_.substr(0, length);
      held_.erase(0, length + 2);
      if (length == 0) break;
    }
    reply.status = status;
  } else {
    while (fill()) {
    }
    reply.body = std::exchange(held_, {});
    reply.status = status;
  }
  return reply;
}

std::string request_text(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view headers) {
  const std::string length = body.empty() ? "" : fmt::format("content-length: {}\r\n", body.size());
  return fmt::format("{} {} HTTP/1.1\r\nhost: localhost\r\n{}{}\r\n{}", method, path, headers, length, body);
}

Reply request(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body,
              std::string_view headers) {
  Client client(port);
  client.send(request_text(method, path, body, headers));
  return client.read(method == "HEAD");
}

}  // namespace nestor::testing
