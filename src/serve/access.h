// Access control: API keys, and what browsers say about the page that a request comes from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/exchange.h"

namespace nestor::serve {

struct AccessOptions {
  std::vector<std::string> api_keys = {};      // none: no key is asked for
  std::vector<std::string> cors_origins = {};  // "https://chat.example.com", or "*"
  bool loopback = true;                        // the server is bound to this machine only
};

class Access {
 public:
  /// Error(usage) for a key that is empty or an origin that no browser sends.
  explicit Access(AccessOptions options);

  /// The refusal of a request without a valid key, or nothing. Takes the same time for every wrong key of a
  /// length.
  std::optional<HttpResponse> refuse_key(const HttpRequest& head) const;

  /// The refusal of a request that another web site makes in a browser, or nothing. Without keys a server on
  /// the loopback address also refuses names other than its own: a site could give itself this machine's
  /// address.
  std::optional<HttpResponse> refuse_site(const HttpRequest& head) const;

  /// The answer to a browser that asks beforehand (a preflight request), or nothing if it is none.
  std::optional<HttpResponse> preflight(const HttpRequest& head) const;

  /// Headers for the browser, of every answer.
  std::vector<Header> headers(const HttpRequest& head) const;

 private:
  bool allows_origin(std::string_view origin) const;

  AccessOptions options_;
};

}  // namespace nestor::serve
