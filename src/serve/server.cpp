#include "serve/server.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "serve/service.h"

namespace nestor::serve {
namespace {

constexpr std::chrono::seconds kFarewell{5};  // for sending the errors of what was cancelled

AccessOptions with_loopback(AccessOptions access, bool loopback) {
  access.loopback = loopback;
  return access;
}

}  // namespace

struct Server::Parts {
  Parts(ServedModel served, std::unique_ptr<lm::LanguageModel> language_model, const ServerOptions& options)
      : http(options.http),
        model(std::move(served)),
        log(options.log_level, options.log),
        access(with_loopback(options.access, http.is_loopback())),
        constraints(model.tokenizer, model.defaults.stop_ids),
        engine(std::make_unique<schedule::Engine>(std::move(language_model), options.engine)),
        service({model, *engine, constraints, ids, traffic, log}, access) {}

  HttpServer http;
  ServedModel model;
  Log log;
  Access access;
  IdSource ids;
  Traffic traffic;
  Constraints constraints;
  std::unique_ptr<schedule::Engine> engine;
  Service service;
};

Server::Server(ServedModel model, std::unique_ptr<lm::LanguageModel> language_model,
               const ServerOptions& options) {
  if (model.names.empty()) fail(ErrorKind::usage, "a served model needs a name");
  parts_ = std::make_unique<Parts>(std::move(model), std::move(language_model), options);
  parts_->http.start(parts_->service);
}

/// The sockets first, so that nothing new is asked; then the engine, whose readers still hold exchanges; the
/// thread of the sockets ends last.
Server::~Server() {
  parts_->http.stop();
  parts_->engine.reset();
}

std::string Server::url() const {
  const std::string address = parts_->http.address();
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", v6 ? "[" : "", address, v6 ? "]" : "", parts_->http.port());
}

bool Server::is_loopback() const { return parts_->http.is_loopback(); }

void Server::drain(std::chrono::milliseconds patience) {
  parts_->service.stop_generating();
  parts_->http.stop_accepting();
  if (parts_->http.wait_until_closed(patience)) return;
  parts_->engine->cancel_all();
  parts_->http.wait_until_closed(kFarewell);
}

}  // namespace nestor::serve
