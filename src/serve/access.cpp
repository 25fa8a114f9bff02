#include "serve/access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "serve/api/error_answer.h"

namespace nestor::serve {
namespace {

bool same_in_constant_time(std::string_view given, std::string_view key) {
  std::size_t difference = given.size() ^ key.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(key[i % key.size()]);
  }
  return difference == 0;
}

std::string_view without_scheme(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? std::string_view() : origin.substr(at + 3);
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// A name may be anybody's, whatever it begins with; four numbers are an address.
bool names_this_machine(std::string_view host) {
  host = without_port(host);
  if (host == "[::1]" || equal_without_case(host, "localhost") || equal_without_case(host, "localhost.")) {
    return true;
  }
  std::array<unsigned char, 4> address{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), address.data()) == 1 && address[0] == 127;
}

// Names of header fields, as a browser lists those that a page wants to send.
bool is_list_of_tokens(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == ',' || c == ' ';
  });
}

}  // namespace

Access::Access(AccessOptions options) : options_(std::move(options)) {
  for (const std::string& key : options_.api_keys) {
    if (key.empty()) fail(ErrorKind::usage, "an API key is empty; expected at least one character");
  }
  for (const std::string& origin : options_.cors_origins) {
    const std::string_view host = without_scheme(origin);
    if (origin == "*" || (!host.empty() && host.find('/') == std::string_view::npos)) continue;
    fail(ErrorKind::usage,
         "the origin {} is none; expected *, or a web site as browsers name it: "
         "https://chat.example.com",
         in_quotes(origin));
  }
}

std::optional<HttpResponse> Access::refuse_key(const HttpRequest& head) const {
  if (options_.api_keys.empty()) return std::nullopt;
  std::string_view given;
  if (const auto authorization = head.header("authorization")) {
    constexpr std::string_view scheme = "Bearer ";
    given = *authorization;
    if (equal_without_case(given.substr(0, scheme.size()), scheme)) given.remove_prefix(scheme.size());
  }
  bool valid = false;
  for (const std::string& key : options_.api_keys) valid = same_in_constant_time(given, key) || valid;
  if (valid) return std::nullopt;
  return error_answer(
      401, given.empty() ? "this server needs an API key: Authorization: Bearer KEY" : "the API key is wrong",
      {}, "invalid_api_key");
}

bool Access::allows_origin(std::string_view origin) const {
  return std::any_of(options_.cors_origins.begin(), options_.cors_origins.end(),
                     [&](const std::string& allowed) { return allowed == "*" || allowed == origin; });
}

std::optional<HttpResponse> Access::refuse_site(const HttpRequest& head) const {
  const std::string_view host = head.header("host").value_or("");
  if (options_.loopback && options_.api_keys.empty() && !host.empty() && !names_this_machine(host)) {
    const bool known =
        std::any_of(options_.cors_origins.begin(), options_.cors_origins.end(),
                    [&](const std::string& allowed) { return without_scheme(allowed) == host; });
    if (!known) {
      return error_answer(
          403, "without an API key this server answers to names of this machine only; see --cors-origin");
    }
  }
  const auto origin = head.header("origin");
  if (!origin || allows_origin(*origin) || without_scheme(*origin) == host) return std::nullopt;
  return error_answer(403, "requests of other web sites are not answered; see --cors-origin");
}

std::optional<HttpResponse> Access::preflight(const HttpRequest& head) const {
  if (head.method != "OPTIONS" || !head.header("access-control-request-method")) return std::nullopt;
  // Clients in a browser have fields of their own (x-stainless-os, ...); none of them changes an answer here.
  const auto asked = head.header("access-control-request-headers").value_or("");
  const std::string_view fields = is_list_of_tokens(asked) ? asked : "authorization, content-type";
  return HttpResponse{.status = 204,
                      .content_type = "",
                      .headers = {{"access-control-allow-methods", "GET, POST, OPTIONS"},
                                  {"access-control-allow-headers", std::string(fields)},
                                  {"access-control-max-age", "600"}}};
}

std::vector<Header> Access::headers(const HttpRequest& head) const {
  if (options_.cors_origins.empty()) return {};
  std::vector<Header> headers = {{"vary", "origin"}};
  const auto origin = head.header("origin");
  if (origin && allows_origin(*origin)) {
    headers.push_back({"access-control-allow-origin", std::string(*origin)});
    headers.push_back({"access-control-expose-headers", "retry-after"});
  }
  return headers;
}

}  // namespace nestor::serve
