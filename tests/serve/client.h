// A plain HTTP client for tests: one connection, bytes in and out, responses read as they are framed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nestor::testing {

struct Reply {
  int status = 0;                              // 0: the connection ended before a response was complete
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;
};

class Client {
 public:
  explicit Client(std::uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes);
  /// One response; `of_head`: to a HEAD request.
  Reply read(bool of_head = false);
  /// The bytes until the text has come, or until the connection ended.
  std::string read_until(std::string_view text);
  /// Whether the server closes the connection.
  bool ends();
  /// Sends nothing more.
  void finish();
  /// Leaves without a word.
  void leave();
  /// A small window, so that the server feels what is not read.
  void receive_little();

 private:
  bool fill();

  int socket_ = -1;
  std::string held_;
};

/// A whole exchange on a connection of its own. `headers` are lines that end with \r\n.
Reply request(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body = {},
              std::string_view headers = {});
std::string request_text(std::string_view method, std::string_view path, std::string_view body = {},
                         std::string_view headers = {});

}  // namespace nestor::testing
