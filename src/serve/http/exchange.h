// One HTTP request and its answer, as whoever answers sees them: no sockets here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace nestor::serve {

struct Header {
  std::string name;
  std::string value;
};

/// ASCII letters in whatever case.
bool equal_without_case(std::string_view a, std::string_view b);

struct HttpRequest {
  std::string method;
  std::string path;   // begins with "/", or is "*" for OPTIONS; as sent, without the query
  std::string query;  // without the question mark
  std::vector<Header> headers;
  std::string body;
  std::string peer;  // the address of the client

  /// The value of the first header of that name, in whatever case.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers = {};
  std::string body = {};
};

/// Why an answer is not wanted any more.
enum class Interruption {
  client_left,  // nobody reads it
  too_late,     // the time for a request is over; the client still waits for an error
};

/// Answers one request: respond(), or begin(), any number of write() and end(). All calls return at once,
/// from any thread, and do nothing after the end or when the client has left. An exchange that is dropped
/// without an answer is answered with status 500.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  /// Its body is there until Site::answer, and what that deferred, has returned.
  virtual const HttpRequest& request() const = 0;

  virtual void respond(HttpResponse response) = 0;
  virtual void begin(HttpResponse head) = 0;  // its body is the first piece
  virtual void write(std::string piece) = 0;
  virtual void end() = 0;

  /// At most one call, on a thread of the server, or at once if it is too late already. It must not block.
  virtual void on_interruption(std::function<void(Interruption)> call) = 0;

  /// For what is done before on_interruption(): stops when the answer is not wanted any more, and when the
  /// server begins to end.
  virtual std::stop_token preparation() const = 0;
  /// Runs the task later, on the one thread for what takes long. What it throws ends the exchange with status
  /// 500.
  virtual void defer(std::function<void()> task) = 0;

  /// Something for the access log.
  virtual void note(std::string key, std::string value) = 0;
};

/// The outcome of a request, for the access log.
struct ExchangeRecord {
  std::string peer;
  std::string method;
  std::string path;
  int status = 0;  // 0: nothing was answered
  std::size_t bytes_in = 0;
  std::size_t bytes_out = 0;
  double seconds = 0;
  bool complete = false;  // the client got all of it
  std::vector<std::pair<std::string, std::string>> notes;
};

/// The application behind the HTTP server. Thread rules beside each function.
class Site {
 public:
  Site() = default;
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  virtual ~Site() = default;

  /// On the server's own thread, so it must be quick: an answer that needs no body, or nothing to read the
  /// body and go on. Called as soon as the head is there: unauthorized clients upload no body.
  virtual std::optional<HttpResponse> answer_head(const HttpRequest& head) = 0;

  /// Headers that every answer to this request has besides, whoever gives it. On the server's own thread.
  virtual std::vector<Header> headers(const HttpRequest& /*head*/) { return {}; }

  /// On a thread of the server's pool; may take its time over parsing.
  virtual void answer(const std::shared_ptr<Exchange>& exchange) = 0;

  /// The body of an answer that the HTTP server itself gives: malformed requests and limits.
  virtual HttpResponse refusal(int status, std::string_view message) = 0;

  /// On the server's own thread, when an answer has ended.
  virtual void finished(const ExchangeRecord& record) = 0;

  /// On the server's own thread, when a connection has come or gone.
  virtual void connections(std::size_t /*open*/) {}
};

}  // namespace nestor::serve
