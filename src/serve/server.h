// A model behind an OpenAI-compatible HTTP server: the engine, the routes and the sockets together.
//
// Threads: one owns the model (schedule/engine.h), one the sockets, a few parse requests (http/server.h).
// None of them waits for a client.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "lm/language_model.h"
#include "schedule/engine.h"
#include "serve/access.h"
#include "serve/http/server.h"
#include "serve/log.h"
#include "serve/served_model.h"

namespace nestor::serve {

struct ServerOptions {
  HttpOptions http = {};
  AccessOptions access = {};  // `loopback` follows from the address
  schedule::EngineOptions engine = {};
  LogLevel log_level = LogLevel::info;
  Log::Sink log = {};  // called from several threads
};

class Server {
 public:
  /// Serves from now on. Throws Error(usage) for options that make no sense, Error(io) for an address that
  /// cannot be had.
  Server(ServedModel model, std::unique_ptr<lm::LanguageModel> language_model, const ServerOptions& options);
  /// Ends at once: whoever waits for an answer gets none.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string url() const;  // "http://127.0.0.1:8000"
  bool is_loopback() const;

  /// Takes no more requests and waits for the answers that are being made, but only that long; then they end
  /// with an error.
  void drain(std::chrono::milliseconds patience);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nestor::serve
