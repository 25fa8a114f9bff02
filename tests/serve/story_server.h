// The story model behind a server on any free port of the loopback address.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "client.h"
#include "model/model.h"
#include "serve/server.h"

namespace nestor::testing {

class StoryServer {
 public:
  struct Setup {
    serve::ServerOptions options = {};
    std::filesystem::path chat_template = {};  // empty: the model's own
    std::chrono::milliseconds pause{0};        // before every forward pass
    std::int64_t min_tokens = 0;               // the checkpoint's own
    model::DraftBlock draft = model::DraftBlock::ngram_embedding;
  };
  explicit StoryServer(Setup setup);
  StoryServer() : StoryServer(Setup()) {}

  serve::Server& server() { return *server_; }
  std::uint16_t port() const { return port_; }
  const tokenizer::Tokenizer& tokenizer() const { return tokenizer_; }

  Reply post(std::string_view path, const Json& body, std::string_view headers = {}) const;
  /// The body of a response that must have status 200.
  Json ok(std::string_view path, const Json& body) const;
  /// The error object of a response that must have this status.
  Json error(int status, std::string_view path, const Json& body) const;
  /// The data of a stream's events, up to but without [DONE], which must be there.
  std::vector<Json> stream(std::string_view path, Json body) const;
  /// A value of /metrics.
  double metric(const std::string& name) const;
  /// Waits until a value of /metrics is at least, or at most, that.
  void wait_for(const std::string& metric, double at_least) const;
  void wait_for_at_most(const std::string& metric, double at_most) const;
  /// Waits until a line of the log contains the text, and gives it.
  std::string logged(const std::string& text);

 private:
  tokenizer::Tokenizer tokenizer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> log_;
  std::unique_ptr<serve::Server> server_;  // ends before the log
  std::uint16_t port_ = 0;
};

std::vector<Json> events_of(const std::string& body);

/// A request with one member more, or another one.
inline Json with(Json ask, const std::string& key, const Json& value) {
  ask[key] = value;
  return ask;
}

}  // namespace nestor::testing
